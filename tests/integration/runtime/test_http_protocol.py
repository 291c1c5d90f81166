"""One reading of every request: upgrades that nobody takes up, and the header Host."""

from collections.abc import AsyncIterator

import pytest

from local.http_protocol import StrictProtocol
from local.runtime.patience import PatientProtocol
from tests.integration.runtime.raw_http import Server, serving

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
H2C = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAAA\r\n"
SMUGGLING = pytest.mark.attack("request smuggling: two readings of one request")


@pytest.fixture(params=[StrictProtocol, PatientProtocol])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    async with serving(request.param) as served:
        yield served


def a_request(headers: bytes, body: bytes = SMUGGLED, method: bytes = b"POST") -> bytes:
    length = b"content-length: %d\r\n" % len(body)
    return method + b" /one HTTP/1.1\r\nhost: x\r\n" + headers + length + b"\r\n" + body


def read_as(body: bytes, method: str = "POST", path: str = "/one") -> dict[str, str]:
    return {"method": method, "path": path, "body": body.decode()}


@pytest.mark.parametrize(
    "headers",
    [
        H2C,
        b"connection: upgrade\r\nupgrade: TLS/1.3\r\n",
        b"connection: upgrade\r\nconnection: keep-alive\r\nupgrade: h2c\r\n",
        b"connection: upgrade\r\nupgrade: websocket\r\n",
        b"connection: upgrade\r\nupgrade: websocket, h2c\r\n",
        b"connection: close, Upgrade\r\nupgrade: foo\r\nupgrade: bar\r\n",
    ],
)
@SMUGGLING
async def test_an_upgrade_that_nobody_takes_up_leaves_the_body_a_body(
    server: Server, headers: bytes
) -> None:
    whole = a_request(headers)
    for size in (40, 90, len(whole)):
        server.seen.clear()
        await server.exchange(
            *(whole[start : start + size] for start in range(0, len(whole), size))
        )
        assert server.seen == [read_as(SMUGGLED)]


@SMUGGLING
async def test_a_body_in_chunks_beside_an_upgrade_is_read(server: Server) -> None:
    head = b"POST /one HTTP/1.1\r\nhost: x\r\n" + H2C + b"transfer-encoding: chunked\r\n\r\n"
    await server.exchange(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED))
    assert server.seen == [read_as(SMUGGLED)]


async def test_requests_that_follow_one_with_an_upgrade_are_answered(server: Server) -> None:
    await server.exchange(a_request(H2C, b"{}") + a_request(b"", b"[]") + a_request(H2C, b"1"))
    assert server.seen == [read_as(b"{}"), read_as(b"[]"), read_as(b"1")]


@SMUGGLING
async def test_a_thousand_upgrades_in_one_packet_are_a_thousand_requests(server: Server) -> None:
    one = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: a\r\n\r\n"
    answer = await server.exchange(one * 1000)
    assert len(server.seen) == answer.count(b"HTTP/1.1 200 OK") - 1 == 1000


HANDSHAKE = (
    b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


@SMUGGLING
async def test_a_websocket_handshake_with_a_body_is_a_request_with_a_body(server: Server) -> None:
    await server.exchange(a_request(HANDSHAKE, method=b"GET"))
    assert server.seen == [read_as(SMUGGLED, "GET")]


async def test_a_websocket_handshake_is_one(server: Server) -> None:
    answer = await server.exchange(b"GET / HTTP/1.1\r\nhost: x\r\n" + HANDSHAKE + b"\r\n", end=b"")
    assert answer.startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("target", [b"/one", b"inside:5432"])
@SMUGGLING
async def test_connect_is_refused_and_its_body_not_read_as_a_request(
    server: Server, target: bytes
) -> None:
    answer = await server.exchange(
        b"CONNECT " + target + b" HTTP/1.1\r\nhost: x\r\n\r\n" + SMUGGLED, end=b""
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert server.seen == []


@pytest.mark.parametrize(
    "hosts",
    [
        b"",
        b"host: a\r\nhost: a\r\n",
        b"host: a\r\nHOST: b\r\n",
        b"host: a b\r\n",
        b"host: a/b\r\n",
        b"host: user@a\r\n",
        b"host: a:b\r\n",
        b"host: [::1\r\n",
    ],
)
@SMUGGLING
async def test_a_host_that_is_missing_doubled_or_none_is_refused(
    server: Server, hosts: bytes
) -> None:
    answer = await server.exchange(b"GET / HTTP/1.1\r\n" + hosts + b"\r\n" + SMUGGLED, end=b"")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Host" in answer
    assert server.seen == []


@pytest.mark.parametrize(
    "host", [b"x", b"", b"x:", b"x:80", b"[::1]:8080", b"127.0.0.1:1", b"a_b.c"]
)
async def test_every_host_that_is_one_is_taken(server: Server, host: bytes) -> None:
    await server.exchange(b"GET / HTTP/1.1\r\nhost: " + host + b"\r\n\r\n")
    assert server.seen == [read_as(b"", "GET", "/")]


async def test_http_1_0_knows_no_host(server: Server) -> None:
    await server.exchange(b"GET / HTTP/1.0\r\n\r\n", end=b"")
    assert server.seen == [read_as(b"", "GET", "/")]
