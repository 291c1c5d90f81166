"""Messages are lost, repeated, early or late and workers die: every event is delivered, once."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import claim_all, create, detail, fire, logs
from tests.receiver import Receiver
from triggerfish.adapters.db.deliveries import Deliveries
from triggerfish.adapters.deliveries import BatchedDeliveries
from triggerfish.domain.access import Principal
from triggerfish.domain.delivery import Claim, ClaimedEvent, Ending, Settled, settle
from triggerfish.domain.errors import TryLater
from triggerfish.domain.exchange import Reply
from triggerfish.domain.message import EPOCH, parse_message
from triggerfish.domain.retry import RetryPolicy
from triggerfish.usecases.courier import Couriers
from triggerfish.usecases.deliver import deliver
from triggerfish.wiring import Wiring

LOCK = text("SELECT id FROM event_logs_active WHERE id = :id FOR UPDATE")


async def test_an_event_whose_row_is_locked_is_claimed_once_the_lock_is_gone(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    """The worker skips the row; its message is gone, and yet nobody has to wait for the sweep."""
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    event_id = await fire(parts, trigger, b'{"id": 1}')
    async with parts.database.transaction() as holding:
        await holding.execute(LOCK, {"id": event_id})
        working = asyncio.create_task(functions.work(parts.settings.deliveries_queue_url))
        await asyncio.sleep(0.1)
        assert not working.done()
    await asyncio.wait_for(working, 10)
    assert len(receiver.deliveries) == 1


async def test_a_freed_slot_takes_an_event_whose_row_was_locked(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    limited = {"url": receiver.url(), "max_concurrency": 1}
    trigger = await create(parts, caller, an_api_trigger("", endpoint=limited))
    ids = {await fire(parts, trigger, b'{"id": %d}' % n) for n in range(2)}
    receiver.hold = asyncio.Event()
    working = asyncio.create_task(functions.work(parts.settings.deliveries_queue_url))
    async with asyncio.timeout(10):
        while not receiver.deliveries:
            await asyncio.sleep(0.01)
    (waiting,) = ids - {UUID(one.headers["webhook-id"]) for one in receiver.deliveries}
    async with parts.database.transaction() as holding:
        await holding.execute(LOCK, {"id": waiting})
        receiver.hold.set()
        await asyncio.sleep(0.1)
    await asyncio.wait_for(working, 10)
    assert len(receiver.deliveries) == 2


async def test_an_old_event_whose_row_was_locked_is_found_behind_those_already_claimed(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    """A look goes on from where the last one ended; the one that ends the looking does not."""
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    old = await fire(parts, trigger, b'{"id": 0}')
    async with parts.database.transaction() as holding:
        await holding.execute(LOCK, {"id": old})
        clock.advance(seconds=1)
        for n in range(10):
            await fire(parts, trigger, b'{"id": %d}' % n)
        working = asyncio.create_task(functions.work(parts.settings.deliveries_queue_url))
        async with asyncio.timeout(10):
            while len(receiver.deliveries) < 10:
                await asyncio.sleep(0.01)
    await asyncio.wait_for(working, 10)
    assert len(receiver.deliveries) == 11


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
    assert (await functions.tick())["swept"] == 0  # its message may still be on its way
    clock.advance(seconds=0.5)
    assert (await functions.tick())["swept"] == 1
    await functions.work(parts.settings.deliveries_queue_url)
    assert len(receiver.deliveries) == 1


async def test_an_event_whose_worker_died_is_delivered_again_as_the_same_attempt(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    event_id = await fire(parts, trigger, b'{"id": 1}')
    assert len(await claim_all(parts, trigger)) == 1  # and then the worker is gone
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


async def test_the_outcome_of_a_lapsed_lease_counts_until_another_worker_claims_the_event(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    """A worker that was only slow has posted all the same."""
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    [slow] = await claim_all(parts, trigger)
    clock.advance(seconds=26)
    await functions.tick()
    outcome = ending(slow, 200, clock)
    assert (await parts.deliveries.settle([outcome], [], now=clock.now())).done == {slow.id}
    assert await claim_all(parts, trigger) == []


async def test_an_outcome_is_not_written_over_what_another_worker_has_made_of_the_event(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    [slow] = await claim_all(parts, trigger)
    clock.advance(seconds=26)
    await functions.tick()
    [other] = await claim_all(parts, trigger)
    failed, late = ending(other, 500, clock), ending(slow, 200, clock)
    assert (await parts.deliveries.settle([failed], [], now=clock.now())).done == {other.id}
    assert (await parts.deliveries.settle([late], [], now=clock.now())).done == set()


def ending(event: ClaimedEvent, status_code: int, clock: VirtualClock) -> Ending:
    reply = Reply(status_code, None, "")
    return settle(event, RetryPolicy(), reply, url="", started=clock.now(), ended=clock.now())


async def test_a_worker_that_starts_takes_up_what_the_last_of_its_name_left_leased(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    functions.messages(parts.settings.deliveries_queue_url)
    dead, other = (
        Deliveries(parts.database, disable_after=timedelta(days=1), worker=name)
        for name in ("worker-1", "worker-2")
    )
    claim = Claim(trigger.revision.definition.endpoint.key, 1, EPOCH)
    assert len((await dead.claim([claim], now=clock.now()))[claim.endpoint_key].events) == 1
    assert await other.give_back_own(now=clock.now()) == 0
    assert await dead.give_back_own(now=clock.now()) == 1
    assert (await functions.tick())["swept"] == 1
    await functions.work(parts.settings.deliveries_queue_url)
    assert len(receiver.deliveries) == 1


class AwayWhile:
    """A database that is away for the first few settlements."""

    def __init__(self, deliveries: BatchedDeliveries, times: int) -> None:
        self.claim, self.claim_archived = deliveries.claim, deliveries.claim_archived
        self._settle = deliveries.settle
        self._times = times

    async def settle(self, endings: Sequence[Ending], claim: Claim | None) -> Settled:
        if self._times:
            self._times -= 1
            raise TryLater("away")
        return await self._settle(endings, claim)


@pytest.mark.parametrize(("times", "recorded"), [(4, True), (5, False)])
async def test_an_outcome_is_kept_while_the_database_is_away_for_a_moment(
    parts: Wiring, caller: Principal, receiver: Receiver, times: int, recorded: bool
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    [record] = functions.messages(parts.settings.deliveries_queue_url)
    message = parse_message(json.loads(record["body"]))
    away = AwayWhile(parts.batched_deliveries, times)
    couriers = Couriers(replace(parts.courier, deliveries=away))
    with nullcontext() if recorded else pytest.raises(TryLater):
        await deliver([message], replace(parts.deliver, couriers=couriers))
    assert len(receiver.deliveries) == 1
    [seen] = await logs(parts, caller)
    assert seen.log.status == ("success" if recorded else "delivering")
