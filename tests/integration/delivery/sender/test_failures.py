"""What goes wrong on the way is a failure of its kind, and never an exception."""

import socket
import struct
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests.integration.delivery.sender.certificates import self_signed
from tests.integration.delivery.sender.posting import (
    LOOPBACK,
    NOW,
    SHORT,
    FixedResolver,
    kind,
    post_to,
    sending,
    to,
)
from tests.integration.delivery.sender.raw_server import OK, Connection, always, once, serving
from triggerfish.adapters.outgoing.sender import HttpSender
from triggerfish.domain.exchange import Reply, SendFailure


async def reset(connection: Connection) -> None:
    await connection.request()
    sock = connection.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.writer.transport.abort()


@pytest.mark.parametrize(
    "script",
    [
        reset,
        once(b""),
        once(b"HTT"),
        once(b"HTTP/1.1 200 OK\r\nContent-Le"),
        once(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
)
async def test_an_answer_that_breaks_off_before_its_headers_end_is_a_reset(script):
    assert kind(await post_to(script)) == "connection_reset"


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 999 No\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\nhello",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
async def test_what_is_not_http_is_a_protocol_error_of_the_answer(answer):
    failure = SendFailure("protocol_error", "The endpoint's answer was not valid HTTP.")
    assert await post_to(once(answer)) == failure


async def test_what_is_not_http_is_noticed_at_once():
    async def greet(connection: Connection) -> None:
        await connection.say(b"220 mail.example.test ESMTP\r\n")
        await connection.reader.read()

    began = perf_counter()
    assert kind(await post_to(greet, timeout=5)) in ("protocol_error", "connection_reset")
    assert perf_counter() - began < 2


@profile(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=60), st.binary(max_size=60))
async def test_no_answer_whatever_makes_a_post_raise(line, rest):
    outcome = await post_to(once(b"HTTP/1.1 200 OK\r\n", line, b"\r\n\r\n", rest), timeout=SHORT)
    assert isinstance(outcome, Reply | SendFailure)


async def test_a_closed_port_is_a_refused_connection():
    async with serving(always(OK)) as server:
        pass
    async with sending() as sender:
        outcome = await sender.post(to(server.url))
    assert outcome == SendFailure("connection_refused", "The endpoint refused the connection.")


@pytest.mark.parametrize(
    "failure",
    [socket.gaierror(-2, "unknown"), OSError("DNS broken"), UnicodeError("label too long")],
)
async def test_a_name_that_does_not_resolve_is_a_dns_error(failure):
    async with sending(resolver=FixedResolver(failure=failure)) as sender:
        assert kind(await sender.post(to("http://hook.example.test/"))) == "dns_error"


async def test_a_name_without_addresses_is_a_dns_error():
    async with sending(resolver=FixedResolver()) as sender:
        assert kind(await sender.post(to("http://hook.example.test/"))) == "dns_error"


async def test_speaking_tls_to_a_plain_port_is_a_tls_error():
    async def plain(connection: Connection) -> None:
        await connection.reader.read(1)
        await connection.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(plain) as server, sending() as sender:
        outcome = await sender.post(to(server.url.replace("http", "https")))
    assert kind(outcome) == "tls_error"


async def test_a_certificate_is_checked_against_the_name_in_the_url():
    authority, certificate = self_signed("hook.example.test")
    resolver = FixedResolver("127.0.0.1")
    async with serving(always(OK), tls=certificate) as server:
        trusting = HttpSender(LOOPBACK, now=lambda: NOW, resolver=lambda: resolver, tls=authority)
        good = await trusting.post(to(f"https://hook.example.test:{server.port}/"))
        other = await trusting.post(to(f"https://other.example.test:{server.port}/"))
        await trusting.aclose()
        async with sending(LOOPBACK, resolver) as sender:
            stranger = await sender.post(to(f"https://hook.example.test:{server.port}/"))
    assert kind(good) == "reply 200"
    assert kind(other) == kind(stranger) == "tls_error"
    assert isinstance(stranger, SendFailure)
    assert "certificate was not accepted" in stranger.message


@pytest.mark.parametrize(
    "url", ["", "nonsense", "ftp://127.0.0.1/", "http://[::1/", "http://a..b/"]
)
async def test_a_url_that_cannot_be_used_is_a_failure(url):
    async with sending() as sender:
        assert isinstance(await sender.post(to(url, timeout=2)), SendFailure)
