"""Connections: kept for busy hosts, replaced when they died, never shared wrongly."""

import asyncio
from time import perf_counter

from tests.integration.delivery.sender.posting import (
    LOOPBACK,
    NOW,
    FixedResolver,
    kind,
    sending,
    to,
)
from tests.integration.delivery.sender.raw_server import (
    OK,
    Connection,
    always,
    once,
    serving,
)
from triggerfish.adapters.outgoing.sender import HttpSender


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
