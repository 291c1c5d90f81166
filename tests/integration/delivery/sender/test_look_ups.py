"""Names are looked up for each project apart, and one project's dead names are its own trouble."""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from uuid import UUID

import pytest

from tests.integration.delivery.sender.posting import LOOPBACK, NOW, kind, sending, to
from tests.integration.delivery.sender.raw_server import OK, always, serving
from tests.outgoing_attacks import name_server
from triggerfish.adapters.outgoing import look_ups
from triggerfish.adapters.outgoing.look_ups import AT_ONCE, LookUps, SystemResolver, Unresolved
from triggerfish.adapters.outgoing.sender import HttpSender

ONE, OTHER = UUID(int=1), UUID(int=2)


class SlowResolver:
    """Answers when it is let; notes how many it was asked for at once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = asyncio.Event()
        self.at_once = self.most_at_once = 0

    async def resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.answers.wait()
        finally:
            self.at_once -= 1
        return ["127.0.0.1"]

    async def close(self) -> None:
        pass


async def turns_of_the_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.attack("names that do not resolve: other projects' deliveries")
async def test_forty_dead_names_of_one_project_do_not_delay_another(record_property):
    async with name_server() as names, serving(always(OK)) as server:
        servers = [names.address]
        sender = HttpSender(
            LOOPBACK, now=lambda: NOW, resolver=lambda: SystemResolver(nameservers=servers)
        )
        dead = [
            asyncio.create_task(
                sender.post(to(f"http://dead{n}.example.test/", project=ONE, timeout=1))
            )
            for n in range(40)
        ]
        while len(names.asked) < AT_ONCE:
            await asyncio.sleep(0.01)
        began = perf_counter()
        url = f"http://live.example.test:{server.port}/"
        assert kind(await sender.post(to(url, project=OTHER))) == "reply 200"
        took = perf_counter() - began
        assert {kind(outcome) for outcome in await asyncio.gather(*dead)} == {"dns_error"}
        await sender.aclose()
    record_property("cases", len(dead))
    assert took < 0.5


async def test_a_project_has_a_number_of_look_ups_at_a_time():
    resolver = SlowResolver()
    look_ups = LookUps(resolver)
    first = [asyncio.create_task(look_ups.addresses(f"name{n}", ONE)) for n in range(AT_ONCE + 10)]
    await turns_of_the_loop()
    assert len(resolver.asked) == AT_ONCE
    other = asyncio.create_task(look_ups.addresses("name", OTHER))
    await turns_of_the_loop()
    assert resolver.asked[AT_ONCE:] == ["name"]
    resolver.answers.set()
    await asyncio.gather(*first, other)
    assert resolver.most_at_once == AT_ONCE + 1
    assert len(resolver.asked) == AT_ONCE + 11


async def test_those_who_ask_for_one_name_at_once_share_a_look_up():
    resolver = SlowResolver()
    look_ups = LookUps(resolver)
    asking = [asyncio.create_task(look_ups.addresses("name", n % 3)) for n in range(100)]
    await turns_of_the_loop()
    asking[0].cancel()
    resolver.answers.set()
    assert await asyncio.gather(*asking[1:]) == [["127.0.0.1"]] * 99
    assert await look_ups.addresses("name", ONE) == ["127.0.0.1"]
    assert resolver.asked == ["name"]


async def test_who_gives_up_a_look_up_keeps_its_place_until_it_ends():
    resolver = SlowResolver()
    look_ups = LookUps(resolver)
    for n in range(AT_ONCE):
        task = asyncio.create_task(look_ups.addresses(f"name{n}", ONE))
        await turns_of_the_loop()
        task.cancel()
    waiting = asyncio.create_task(look_ups.addresses("one more", ONE))
    await turns_of_the_loop()
    assert len(resolver.asked) == AT_ONCE
    resolver.answers.set()
    assert await waiting == ["127.0.0.1"]


async def test_the_time_for_a_look_up_counts_from_its_own_start(monkeypatch):
    """Those that wait for a turn behind dead names are not given up for the time they waited."""
    monkeypatch.setattr(look_ups, "LOOK_UP_SECONDS", 0.2)
    monkeypatch.setattr(look_ups, "AT_ONCE", 1)

    class DeadAndLive(SlowResolver):
        async def resolve(self, host: str) -> Sequence[str]:
            return await super().resolve(host) if host == "dead" else ["127.0.0.1"]

    looking = LookUps(DeadAndLive())
    dead = asyncio.create_task(looking.addresses("dead", ONE))
    await turns_of_the_loop()
    assert await looking.addresses("live", ONE) == ["127.0.0.1"]
    with pytest.raises(Unresolved):
        await dead


async def test_an_attempt_whose_time_ends_in_the_look_up_says_so():
    async with sending(resolver=SlowResolver()) as sender:
        began = perf_counter()
        outcome = await sender.post(to("http://hook.example.test/", timeout=0.2))
    assert kind(outcome) == "dns_error"
    assert perf_counter() - began < 1


async def test_names_of_the_hosts_file_resolve():
    async with serving(always(OK)) as server, sending() as sender:
        assert kind(await sender.post(to(f"http://localhost:{server.port}/"))) == "reply 200"
