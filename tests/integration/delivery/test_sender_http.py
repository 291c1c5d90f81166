"""The HTTP sender against real sockets: hostile receivers, blocked destinations, kept connections."""

import asyncio
import gzip
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import perf_counter

import httpx
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests.integration.delivery.certificates import self_signed
from tests.integration.delivery.raw_server import OK, Connection, Script, always, once, serving
from triggerfish.adapters.guarded_transport import SystemResolver
from triggerfish.adapters.sender_http import READ_LIMIT_BYTES, HttpSender, user_agent
from triggerfish.domain.egress import EgressPolicy, parse_egress_allow
from triggerfish.domain.exchange import OutboundRequest, Reply, SendFailure
from triggerfish.settings import Settings

LOOPBACK = parse_egress_allow("127.0.0.0/8,::1/128")
NOTHING_PRIVATE = EgressPolicy()
NOW = datetime(2026, 11, 3, 12, 0, 0, tzinfo=UTC)
SHORT = 0.3


class FixedResolver(AbstractResolver):
    """Answers every name with the given addresses, or not at all; notes what was asked."""

    def __init__(self, *addresses: str, failure: Exception | None = None) -> None:
        self.addresses = addresses
        self.failure = failure
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if self.failure:
            raise self.failure
        return [self._result(host, address, port) for address in self.addresses]

    @staticmethod
    def _result(host: str, address: str, port: int) -> ResolveResult:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return ResolveResult(
            hostname=host, host=address, port=port, family=family, proto=0, flags=0
        )

    async def close(self) -> None:
        pass


@asynccontextmanager
async def sending(
    policy: EgressPolicy = LOOPBACK, resolver: AbstractResolver | None = None
) -> AsyncIterator[HttpSender]:
    sender = HttpSender(policy, now=lambda: NOW, resolver=lambda: resolver or SystemResolver())
    try:
        yield sender
    finally:
        await sender.aclose()


def to(url: str, *, timeout: float = 5, body: bytes = b"{}", **headers: str) -> OutboundRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return OutboundRequest(url, named, body, timeout)


async def post_to(
    script: Script, *, timeout: float = 5, body: bytes = b"{}"
) -> Reply | SendFailure:
    async with serving(script) as server, sending() as sender:
        return await sender.post(to(server.url, timeout=timeout, body=body))


def kind(outcome: Reply | SendFailure) -> str:
    return outcome.kind if isinstance(outcome, SendFailure) else f"reply {outcome.status_code}"


# What is sent


async def test_the_exact_bytes_and_headers_arrive():
    seen = []

    async def note(connection: Connection) -> None:
        seen.append(await connection.request())
        await connection.say(OK)

    async with serving(note) as server, sending() as sender:
        request = to(server.url, body=b'{"a":  1}\n', webhook_id="evt", X_Team="ops")
        assert await sender.post(request) == Reply(200, None, "ok")
    ((headers, body),) = seen
    assert body == b'{"a":  1}\n'
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == user_agent()
    assert headers["user-agent"].startswith("Triggerfish/")
    assert headers["webhook-id"] == "evt"
    assert headers["x-team"] == "ops"
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["accept-encoding"] == "identity"
    assert "cookie" not in headers


async def test_an_empty_body_is_posted_as_such():
    assert kind(await post_to(once(OK), body=b"")) == "reply 200"


async def test_the_environments_proxy_is_not_used(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert kind(await post_to(once(OK))) == "reply 200"


@pytest.mark.attack("header injection")
async def test_a_header_that_would_split_the_request_is_not_sent():
    async with serving(always(OK)) as server, sending() as sender:
        assert kind(await sender.post(to(server.url, X_A="a\r\nX-Evil: 1"))) == "protocol_error"


# Replies


async def test_a_status_of_any_kind_is_a_reply():
    for status in (204, 400, 404, 410, 500, 503, 599):
        reply = await post_to(once(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status))
        assert reply == Reply(status, None, "")


@pytest.mark.attack("redirects to elsewhere")
async def test_a_redirect_is_a_reply_and_not_followed():
    async with serving(always(OK)) as elsewhere:
        location = elsewhere.url.encode()
        answer = b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location
        assert kind(await post_to(once(answer))) == "reply 302"
        assert elsewhere.connections == 0


async def test_retry_after_is_read_against_the_replys_date():
    date = b"Date: Tue, 03 Nov 2026 11:59:00 GMT\r\n"
    answer = b"HTTP/1.1 503 X\r\n%sRetry-After: %s\r\nContent-Length: 0\r\n\r\n"
    soon = b"Tue, 03 Nov 2026 12:00:30 GMT"
    assert await post_to(once(answer % (b"", b"17"))) == Reply(503, 17.0, "")
    assert await post_to(once(answer % (b"", soon))) == Reply(503, 30.0, "")
    assert await post_to(once(answer % (date, soon))) == Reply(503, 90.0, "")
    assert await post_to(once(answer % (b"", b"whenever"))) == Reply(503, None, "")


async def test_the_excerpt_is_cut_and_made_storable():
    body = b"\x00\xff" + b"a" * 5000
    reply = await post_to(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5002\r\n\r\n", body))
    assert isinstance(reply, Reply)
    assert reply.excerpt == "\ufffd" + "a" * 999


@pytest.mark.attack("answers without end, slow drips, compressed bombs")
async def test_a_compressed_bomb_is_not_inflated():
    bomb = gzip.compress(b"\0" * 10_000_000)[:4000]
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    reply = await post_to(once(head, bomb))
    assert isinstance(reply, Reply)
    assert len(reply.excerpt) <= 1000


@pytest.mark.attack("answers without end, slow drips, compressed bombs")
async def test_an_endless_body_is_cut_and_its_connection_closed():
    async def endless(connection: Connection) -> None:
        await connection.request()
        await connection.say(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await connection.say(b"x" * 65536)

    async with serving(endless) as server, sending() as sender:
        assert kind(await sender.post(to(server.url))) == "reply 200"
        await asyncio.wait_for(server.ended.get(), 2)


async def test_an_early_answer_to_an_unread_body_is_a_reply():
    async def hasty(connection: Connection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(10)

    assert kind(await post_to(hasty, body=b"x" * 1_000_000, timeout=3)) == "reply 413"


# Failures


async def silent(connection: Connection) -> None:
    await connection.request()
    await asyncio.sleep(10)


async def drip_body(connection: Connection) -> None:
    await connection.request()
    await connection.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await connection.say(b"x")
        await asyncio.sleep(0.02)


async def drip_head(connection: Connection) -> None:
    await connection.request()
    await connection.say(b"HTTP/1.1 200 OK\r\n")
    while True:
        await connection.say(b"a")
        await asyncio.sleep(0.02)


async def endless_interim(connection: Connection) -> None:
    await connection.request()
    while True:
        await connection.say(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("script", [silent, drip_body, drip_head, endless_interim])
@pytest.mark.attack("answers without end, slow drips, compressed bombs")
async def test_the_whole_exchange_ends_at_its_deadline(script):
    started = perf_counter()
    assert kind(await post_to(script, timeout=SHORT)) == "timeout"
    assert perf_counter() - started < SHORT + 0.5


@pytest.mark.attack("answers without end, slow drips, compressed bombs")
async def test_ten_megabytes_of_headers_are_refused_early():
    async def boast(connection: Connection) -> None:
        await connection.request()
        await connection.say(b"HTTP/1.1 200 OK\r\n")
        for number in range(100_000):
            await connection.say(b"X-%d: %s\r\n" % (number, b"y" * 90))

    async def one_long_line(connection: Connection) -> None:
        await connection.request()
        await connection.say(b"HTTP/1.1 200 OK\r\nX-A: ")
        for _ in range(160):
            await connection.say(b"y" * 65536)

    assert kind(await post_to(boast)) == "protocol_error"
    assert kind(await post_to(one_long_line)) == "protocol_error"


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
        once(b"HTTP/1.1 200 OK\r\nContent-Le"),
        once(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
        once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
    ],
)
async def test_an_answer_that_breaks_off_is_a_reset(script):
    assert kind(await post_to(script)) == "connection_reset"


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
async def test_what_is_not_http_is_a_protocol_error(answer):
    assert kind(await post_to(once(answer))) == "protocol_error"


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


async def test_being_cancelled_is_passed_on():
    async with serving(silent) as server, sending() as sender:
        task = asyncio.create_task(sender.post(to(server.url)))
        while server.connections == 0:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


# Where it may connect


def words(text: str) -> list[str]:
    return text.split()


BLOCKED_LITERALS = words(
    """
    127.0.0.1 127.1 2130706433 0x7f.1 0x7f000001 0177.0.0.1 017700000001 0 0.0.0.0
    127.0.0.1. [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::7f00:1]
    [2002:7f00:1::] [2001:0:7f00:1::1] [fe80::1] [fe80::1%25lo] [fec0::1] [fd00:ec2::254]
    localhost localhost. 169.254.169.254 169.254.170.2 168.63.129.16 100.100.100.200
    192.0.0.192 10.0.0.1 224.0.0.1 255.255.255.255 %31%32%37.0.0.1 good.com@127.0.0.1
    """
)

BLOCKED_ADDRESSES = words(
    """
    127.0.0.1 127.0.0.2 0.0.0.0 ::1 :: ::ffff:127.0.0.1 ::7f00:1 64:ff9b::7f00:1
    2002:7f00:1:: 2001:0:7f00:1::1 fe80::1 fe80::1%1 fec0::1 fd00:ec2::254 ff02::1
    169.254.169.254 168.63.129.16 100.100.100.200 10.0.0.1 172.16.0.1 192.168.0.1 100.64.0.1
    192.88.99.1 240.0.0.1
    """
)


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every address a socket of this process is asked to connect to."""
    loop_type = asyncio.SelectorEventLoop
    asked: list[object] = []
    original = loop_type.sock_connect

    async def noting(self: asyncio.SelectorEventLoop, sock: socket.socket, address: object) -> None:
        asked.append(address)
        await original(self, sock, address)  # type: ignore[arg-type]

    monkeypatch.setattr(loop_type, "sock_connect", noting)
    return asked


@pytest.mark.parametrize("host", BLOCKED_LITERALS)
@pytest.mark.attack("inside addresses: every spelling of a literal")
async def test_no_spelling_of_a_blocked_address_gets_a_connection(host, connects):
    async with serving(always(OK)) as server, sending(NOTHING_PRIVATE) as sender:
        outcome = await sender.post(to(f"http://{host}:{server.port}/", timeout=2))
        assert isinstance(outcome, SendFailure)
        assert outcome.kind in ("destination_blocked", "protocol_error", "dns_error")
        assert (server.connections, connects) == (0, [])


@pytest.mark.parametrize("address", BLOCKED_ADDRESSES)
@pytest.mark.parametrize("beside", [(), ("1.1.1.1",)], ids=["alone", "beside a public one"])
@pytest.mark.attack("inside addresses: a name that resolves there")
async def test_a_name_with_one_blocked_address_gets_no_connection(address, beside, connects):
    resolver = FixedResolver(*beside, address)
    async with serving(always(OK)) as server, sending(NOTHING_PRIVATE, resolver) as sender:
        outcome = await sender.post(to(f"http://hook.example.test:{server.port}/", timeout=2))
        assert kind(outcome) == "destination_blocked"
        assert resolver.asked == ["hook.example.test"]
        assert (server.connections, connects) == (0, [])


async def test_a_blocked_destination_is_reported_without_its_address():
    async with sending(NOTHING_PRIVATE, FixedResolver("10.1.2.3")) as sender:
        outcome = await sender.post(to("http://hook.example.test/"))
    assert outcome == SendFailure(
        "destination_blocked", "The endpoint's address is not open to deliveries."
    )


async def test_an_allowed_network_is_reached_by_name_and_by_address(connects):
    resolver = FixedResolver("127.0.0.1")
    async with serving(always(OK)) as server, sending(LOOPBACK, resolver) as sender:
        for host in ("127.0.0.1", "[::ffff:127.0.0.1]", "hook.example.test"):
            assert kind(await sender.post(to(f"http://{host}:{server.port}/"))) == "reply 200"
    assert len(connects) == 3


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "hook.example.test"])
@pytest.mark.attack("inside addresses: our own Postgres and queue")
async def test_the_platforms_own_services_are_closed_though_loopback_is_open(host, connects):
    resolver = FixedResolver("127.0.0.1")
    async with serving(always(OK)) as server:
        services = [("postgres.internal", server.port)]
        sender = HttpSender(LOOPBACK, now=lambda: NOW, services=services, resolver=lambda: resolver)
        outcome = await sender.post(to(f"http://{host}:{server.port}/"))
        await sender.aclose()
        assert kind(outcome) == "destination_blocked"
        assert (server.connections, connects) == (0, [])


@pytest.mark.attack("inside addresses: our own Postgres and queue")
async def test_what_a_services_name_led_to_stays_closed_while_it_does_not_resolve(monkeypatch):
    monkeypatch.setattr("triggerfish.adapters.own_services.REFRESH_SECONDS", 0)
    resolver = FixedResolver("127.0.0.1")
    async with serving(always(OK)) as server:
        services = [("postgres.internal", server.port)]
        sender = HttpSender(LOOPBACK, now=lambda: NOW, services=services, resolver=lambda: resolver)
        url = f"http://127.0.0.1:{server.port}/"
        assert kind(await sender.post(to(url))) == "destination_blocked"
        resolver.failure = socket.gaierror(socket.EAI_AGAIN, "no answer")
        assert kind(await sender.post(to(url))) == "destination_blocked"
        await sender.aclose()
        assert server.connections == 0


@pytest.mark.parametrize(
    ("database", "queue", "services", "ports"),
    [
        ("postgresql+psycopg://u:p@db/x", "http://mq", {("db", 5432), ("mq", 80)}, {5432}),
        ("postgresql+psycopg://u:p@db:6/x", "http://mq:7", {("db", 6), ("mq", 7)}, {6, 7}),
        ("postgresql+psycopg://u@/x?host=/run", None, set(), set()),
        ("postgresql+psycopg://u@[::1]/x", "https://mq", {("::1", 5432), ("mq", 443)}, {5432}),
    ],
)
def test_our_own_services_are_known_by_their_urls(database, queue, services, ports):
    settings = Settings(database_url=database, sqs_endpoint_url=queue)
    assert set(settings.services) == services
    assert settings.service_ports == ports


@pytest.mark.attack("inside addresses: DNS rebinding")
async def test_a_name_that_changes_its_mind_is_resolved_once_and_judged_again_when_asked_again():
    resolver = FixedResolver("127.0.0.1")
    async with serving(once(OK)) as server, sending(LOOPBACK, resolver) as sender:
        url = f"http://hook.example.test:{server.port}/"
        assert kind(await sender.post(to(url))) == "reply 200"
        assert resolver.asked == ["hook.example.test"]
        resolver.addresses = ("169.254.169.254",)
        other = url.replace("hook", "other")
        assert kind(await sender.post(to(other))) == "destination_blocked"


# Connections


async def test_a_busy_host_is_posted_to_on_one_kept_connection():
    async with serving(always(OK)) as server, sending() as sender:
        for _ in range(5):
            assert kind(await sender.post(to(server.url))) == "reply 200"
        assert server.connections == 1


async def test_hosts_posted_to_for_the_first_time_are_asked_to_close():
    seen = []

    async def note(connection: Connection) -> None:
        while True:
            headers, _ = await connection.request()
            seen.append(headers.get("connection"))
            await connection.say(OK)

    async with serving(note) as server, sending() as sender:
        for _ in range(2):
            await sender.post(to(server.url))
    assert seen[0] == "close"
    assert seen[1] != "close"


async def test_a_kept_connection_that_died_is_replaced_without_a_failure():
    """Receivers drop idle connections, and many close after each answer without saying so."""
    requests = 0

    async def hang_up_on_the_second(connection: Connection) -> None:
        nonlocal requests
        await connection.request()
        requests += 1
        await connection.say(OK)
        await connection.request()

    async with serving(hang_up_on_the_second) as server, sending() as sender:
        for _ in range(4):
            assert kind(await sender.post(to(server.url))) == "reply 200"
    assert requests == 4


async def test_a_fresh_connection_that_dies_is_not_tried_again():
    async with serving(once(b"")) as server, sending() as sender:
        assert kind(await sender.post(to(server.url))) == "connection_reset"
        assert server.connections == 1


async def test_a_body_beyond_the_limit_costs_its_connection_only():
    long = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (READ_LIMIT_BYTES * 4)
    async with serving(always(long, b"x" * READ_LIMIT_BYTES * 4)) as server, sending() as sender:
        for _ in range(3):
            assert kind(await sender.post(to(server.url))) == "reply 200"
        assert server.connections == 3


async def test_cookies_are_not_carried_from_one_delivery_to_the_next():
    cookies = []

    async def bake(connection: Connection) -> None:
        while True:
            headers, _ = await connection.request()
            cookies.append(headers.get("cookie"))
            await connection.say(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=1; Path=/\r\n\r\n"))

    resolver = FixedResolver("127.0.0.1")
    async with serving(bake) as server, sending(LOOPBACK, resolver) as sender:
        for _ in range(3):
            await sender.post(to(f"http://hook.example.test:{server.port}/"))
    assert cookies == [None, None, None]


async def test_fifty_posts_at_once_do_not_wait_for_one_another():
    async def slow(connection: Connection) -> None:
        await connection.request()
        await asyncio.sleep(0.2)
        await connection.say(OK)

    async with serving(slow) as server, sending() as sender:
        started = perf_counter()
        outcomes = await asyncio.gather(*(sender.post(to(server.url)) for _ in range(50)))
    assert {kind(outcome) for outcome in outcomes} == {"reply 200"}
    assert perf_counter() - started < 2


def test_one_sender_serves_several_event_loops():
    sender = HttpSender(LOOPBACK, now=lambda: NOW)

    async def round_trip() -> str:
        async with serving(always(OK)) as server:
            outcome = kind(await sender.post(to(server.url)))
            await sender.aclose()
            return outcome

    assert [asyncio.run(round_trip()) for _ in range(2)] == ["reply 200", "reply 200"]


async def test_another_httpx_transport_can_take_the_place_of_the_guarded_one():
    transport = httpx.MockTransport(lambda request: httpx.Response(202, content=request.content))
    sender = HttpSender(NOTHING_PRIVATE, now=lambda: NOW, transport=transport)
    assert await sender.post(to("https://example.com/", body=b"[1]")) == Reply(202, None, "[1]")
