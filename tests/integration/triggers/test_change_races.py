"""Changes beside ticks, on two connections pools: no occurrence is lost, none fires twice."""

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger
from tests.integration.actions import create, logs
from triggerfish.domain.access import Principal
from triggerfish.settings import Settings
from triggerfish.usecases.change_trigger import pause_trigger, resume_trigger, update_trigger
from triggerfish.usecases.manage_triggers import get_trigger
from triggerfish.usecases.tick import tick
from triggerfish.wiring import Wiring

HOOK = "https://example.com/hook"
HORIZON = timedelta(seconds=2)


@pytest.fixture
async def other_host(
    settings: Settings, parts: Wiring, clock: VirtualClock
) -> AsyncIterator[Wiring]:
    wired = Wiring(settings, clock=clock)
    yield wired
    await wired.close()


async def test_edits_and_pauses_beside_ticks_neither_lose_nor_double_an_occurrence(
    parts: Wiring, other_host: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    start, seconds = clock.now(), 12
    body = a_scheduled_trigger(HOOK, schedule={"every": "1s"})
    triggers = [await create(parts, caller, body) for _ in range(5)]
    order = random.Random(7)

    async def change(id: UUID, n: int) -> None:
        await update_trigger(id, {"payload": n}, caller, other_host.change_trigger)
        if n % 2:
            await pause_trigger(id, caller, other_host.change_trigger)
            await resume_trigger(id, caller, other_host.change_trigger)

    for n in range(seconds):
        calls: list[Coroutine[Any, Any, Any]] = [change(trigger.id, n) for trigger in triggers]
        calls += [tick(HORIZON, host.tick) for host in (parts, other_host, parts)]
        order.shuffle(calls)
        await asyncio.gather(*calls)
        clock.advance(seconds=1)
        await tick(HORIZON, parts.tick)
    clock.advance(seconds=3)

    expected = [start + timedelta(seconds=n) for n in range(1, seconds + 3)]
    for trigger in triggers:
        fired = [
            seen.log.scheduled_for
            for seen in await logs(parts, caller)
            if seen.log.trigger_id == trigger.id
        ]
        assert sorted(fired) == expected
        shown = await get_trigger(trigger.id, caller, parts.manage_triggers)
        assert shown.fired_count == len(expected)


async def test_of_concurrent_edits_none_is_lost(
    parts: Wiring, other_host: Wiring, caller: Principal
) -> None:
    trigger = await create(parts, caller, a_scheduled_trigger(HOOK, schedule={"every": "1s"}))
    edits = [
        {"name": "new"},
        {"payload": 1},
        {"retry": {"delays_seconds": []}},
        {"catch_up": "none"},
        {"catch_up_window_seconds": 60},
        {"endpoint": {"url": "https://example.com/new"}},
    ]
    await asyncio.gather(
        *(
            update_trigger(trigger.id, edit, caller, host.change_trigger)
            for edit, host in zip(edits, [parts, other_host] * 3, strict=True)
        )
    )
    revision = (await get_trigger(trigger.id, caller, parts.manage_triggers)).revision
    assert revision.number == 1 + len(edits)
    definition = revision.definition
    assert (definition.name, definition.payload, definition.catch_up) == ("new", "1", "none")
    assert (definition.retry.delays_seconds, definition.catch_up_window_seconds) == ((), 60)
    assert definition.endpoint.url == "https://example.com/new"
