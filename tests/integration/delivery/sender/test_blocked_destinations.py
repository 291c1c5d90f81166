"""Where a delivery may connect: no spelling, name or change of mind leads inside."""

import asyncio
import socket

import pytest

from tests.integration.delivery.sender.posting import (
    LOOPBACK,
    NOTHING_PRIVATE,
    NOW,
    FixedResolver,
    kind,
    sending,
    to,
)
from tests.integration.delivery.sender.raw_server import (
    OK,
    always,
    once,
    serving,
)
from triggerfish.adapters.outgoing.sender import HttpSender
from triggerfish.domain.egress import PRIVATE_CLOSED
from triggerfish.domain.exchange import SendFailure
from triggerfish.settings import Settings


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


async def test_a_blocked_destination_names_the_setting_and_not_its_address():
    async with sending(NOTHING_PRIVATE, FixedResolver("10.1.2.3")) as sender:
        outcome = await sender.post(to("http://hook.example.test/"))
    assert outcome == SendFailure("destination_blocked", PRIVATE_CLOSED)
    assert "TRIGGERFISH_EGRESS_ALLOW" in PRIVATE_CLOSED
    assert "10.1.2.3" not in PRIVATE_CLOSED


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
    monkeypatch.setattr("triggerfish.adapters.outgoing.own_services.REFRESH_SECONDS", 0)
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
