"""Messages are lost, repeated, early or late and workers die: every event is delivered, once."""

import asyncio
import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, detail, fire, logs
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.domain.delivery import Held, Outcome, Settled
from triggerfish.domain.errors import TryLater
from triggerfish.domain.message import parse_message
from triggerfish.usecases.deliver import Deliveries, deliver
from triggerfish.wiring import Wiring

MARK = text("UPDATE event_logs_active SET enqueued_at = now() WHERE id = :id")
WAITING_FOR_A_LOCK = text(
    "SELECT pid FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


async def test_a_row_that_is_being_marked_as_sent_is_claimed_all_the_same(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    """The worker may get the message before its sender has noted that it is on its way."""
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    event_id = await fire(parts, trigger, b'{"id": 1}')
    async with parts.database.transaction() as connection:
        await connection.execute(text("UPDATE event_logs_active SET enqueued_at = now()"))
        claim = asyncio.create_task(parts.deliver.deliveries.claim(event_id))
        async with asyncio.timeout(10):
            while not await parts.database.run(WAITING_FOR_A_LOCK):
                await asyncio.sleep(0.01)
                assert not claim.done(), "it did not wait"
    claimed = await claim
    assert claimed is not None
    assert claimed.id == event_id


async def test_a_freed_slot_waits_for_a_row_that_is_being_marked_as_sent(
    parts: Wiring,
    caller: Principal,
    clock: VirtualClock,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its message is gone: skipped, the row would wait for the sweep."""
    limited = {"url": receiver.url(), "max_concurrency": 1}
    trigger = await create(parts, caller, an_api_trigger("", endpoint=limited))
    ids = {await fire(parts, trigger, b'{"id": %d}' % n) for n in range(2)}
    receiver.hold = asyncio.Event()
    working = asyncio.create_task(functions.work(parts.settings.deliveries_queue_url))
    async with asyncio.timeout(10):
        while not parts.deliver.slots.parked(trigger.revision.definition.endpoint.key):
            await asyncio.sleep(0.01)
        while not receiver.deliveries:
            await asyncio.sleep(0.01)
    (parked,) = ids - {UUID(one.headers["webhook-id"]) for one in receiver.deliveries}
    asked, marked = asyncio.Event(), asyncio.Event()

    async def pause(instant: datetime) -> None:
        asked.set()
        await marked.wait()

    monkeypatch.setattr(clock, "sleep_until", pause)
    async with parts.database.transaction() as marking:
        await marking.execute(MARK, {"id": parked})
        receiver.hold.set()
        await asyncio.wait_for(asked.wait(), 10)
    marked.set()
    await asyncio.wait_for(working, 10)
    assert len(receiver.deliveries) == 2


async def test_repeated_and_reordered_messages_deliver_an_event_once(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    for n in range(5):
        await fire(parts, trigger, b'{"id": %d}' % n)
    records = functions.messages(parts.settings.deliveries_queue_url)
    await asyncio.gather(*(functions.deliver(list(reversed(records))) for _ in range(3)))
    ids = [delivery.headers["webhook-id"] for delivery in receiver.deliveries]
    assert len(ids) == len(set(ids)) == 5
    assert {seen.log.status for seen in await logs(parts, caller)} == {"success"}


async def test_a_lost_message_is_found_by_the_sweep(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    functions.messages(parts.settings.deliveries_queue_url)  # lost with the queue
    clock.advance(seconds=30)
    assert (await functions.tick())["swept"] == 0  # its message may still be waiting its turn
    clock.advance(seconds=31)
    assert (await functions.tick())["swept"] == 1
    assert (await functions.tick())["swept"] == 0
    await functions.work(parts.settings.deliveries_queue_url)
    assert len(receiver.deliveries) == 1


async def test_an_event_whose_worker_died_is_delivered_again_as_the_same_attempt(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    event_id = await fire(parts, trigger, b'{"id": 1}')
    claimed = await parts.deliver.deliveries.claim(event_id)  # and then the worker is gone
    assert claimed is not None
    functions.messages(parts.settings.deliveries_queue_url)
    clock.advance(seconds=20)
    assert (await functions.tick())["swept"] == 0  # 15 s for the endpoint, 10 s of margin
    clock.advance(seconds=6)
    assert (await functions.tick())["swept"] == 1
    await functions.work(parts.settings.deliveries_queue_url)
    log = (await detail(parts, caller, event_id)).log
    assert (log.status, [a["number"] for a in log.attempts]) == ("success", [1])


async def test_a_message_that_comes_far_too_early_goes_back_to_the_queue(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    now = clock.now()
    await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule={"in": "2s"}))
    [record] = functions.messages(parts.settings.deliveries_queue_url)
    clock.set_back(seconds=10)
    assert await functions.deliver([record]) == []
    assert clock.now() < now  # it did not wait
    await functions.deliver([record])
    again = functions.messages(parts.settings.deliveries_queue_url)
    assert [one["body"] for one in again] == [record["body"]] * 2
    clock.advance(seconds=11)
    await functions.deliver(again)
    assert len(receiver.deliveries) == 1


async def test_a_late_mark_does_not_hold_up_a_retry(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(500, 200)
    trigger = await create(
        parts, caller, an_api_trigger(receiver.url(), retry={"delays_seconds": [20]})
    )
    event_id = await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    await parts.events.mark_enqueued([event_id], now=clock.now())
    await parts.overdue.mark_resent([event_id], now=clock.now(), horizon=parts.settings.lookahead)
    clock.advance(seconds=23)
    assert (await functions.tick())["swept"] == 1


class AwayWhile:
    """A database that is away for the first few settlements."""

    def __init__(self, deliveries: Deliveries, times: int) -> None:
        self.claim = deliveries.claim
        self.is_known = deliveries.is_known
        self._settle = deliveries.settle
        self._times = times

    async def settle(self, outcome: Outcome | Held | None, *, pull: str | None) -> Settled:
        if self._times:
            self._times -= 1
            raise TryLater("away")
        return await self._settle(outcome, pull=pull)


@pytest.mark.parametrize(("times", "recorded"), [(4, True), (5, False)])
async def test_an_outcome_is_kept_while_the_database_is_away_for_a_moment(
    parts: Wiring, caller: Principal, receiver: Receiver, times: int, recorded: bool
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    [record] = functions.messages(parts.settings.deliveries_queue_url)
    ref = parse_message(json.loads(record["body"]))
    away = AwayWhile(parts.deliver.deliveries, times)
    with nullcontext() if recorded else pytest.raises(TryLater):
        await deliver([ref], replace(parts.deliver, deliveries=away))
    assert len(receiver.deliveries) == 1
    [seen] = await logs(parts, caller)
    assert seen.log.status == ("success" if recorded else "delivering")
