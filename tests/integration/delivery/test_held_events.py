"""What a disabled trigger fires is held until somebody releases it."""

from datetime import timedelta

import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import claim_all, detail, fire
from tests.integration.delivery.customer import Customer, gone
from tests.receiver import Receiver
from triggerfish.domain.delivery import Held
from triggerfish.domain.errors import Conflict
from triggerfish.domain.retention import View
from triggerfish.domain.trigger import DisabledReason
from triggerfish.usecases.change_trigger import update_trigger
from triggerfish.usecases.replay_events import replay_event
from triggerfish.usecases.run_test import run_test


async def test_a_disabled_trigger_holds_what_fires_and_goes_on_with_what_it_retries(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(503, 410, 200)
    trigger = await customer.create(an_api_trigger(receiver.url(), retry={"delays_seconds": [60]}))
    await customer.fire(trigger)
    clock.advance(seconds=1)
    await customer.fire(trigger)
    seen = await customer.see(trigger)
    assert seen.disabled is not None
    assert seen.disabled.reason is DisabledReason.GONE
    clock.advance(seconds=1)
    held = await customer.fire(trigger)
    assert await customer.statuses() == ["pending", "failure", "held"]
    log = (await detail(customer.parts, customer.caller, held)).log
    assert (log.attempt_count, log.attempts, log.next_attempt_at) == (0, [], None)
    clock.advance(seconds=70)
    await functions.tick()
    await customer.work()
    assert await customer.statuses() == ["success", "failure", "held"]
    assert len(receiver.deliveries) == 3


async def test_a_schedule_goes_on_firing_events_that_are_held(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(410)
    schedule = {"every": "10s", "max_fires": 3}
    trigger = await customer.create(a_scheduled_trigger(receiver.url(), schedule=schedule))
    for _ in range(4):
        clock.advance(seconds=10)
        await functions.tick()
        await customer.work()
    assert await customer.statuses() == ["failure", "held", "held"]
    seen = await customer.see(trigger)
    assert (seen.status, seen.next_fire_at, seen.fired_count) == ("disabled", None, 3)
    assert (await customer.resume(trigger)).status == "completed"
    receiver.answer(200)
    assert await customer.release(trigger) == 2
    await customer.work()
    assert await customer.statuses() == ["failure", "success", "success"]


async def test_held_events_are_released_from_both_tables_to_where_the_trigger_delivers_now(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await gone(customer, receiver)
    early = await customer.fire(trigger)
    clock.advance(hours=2, minutes=1)
    await functions.retention()
    await customer.fire(trigger)
    body = {"endpoint": {"url": receiver.url("/repaired")}}
    await update_trigger(trigger.id, body, customer.caller, customer.parts.change_trigger)
    with pytest.raises(Conflict, match="resume it"):
        await customer.release(trigger)
    assert (await customer.resume(trigger)).status == "active"
    await customer.work()
    assert receiver.deliveries == []  # nothing goes out before somebody says so
    assert await customer.release(trigger) == 2
    assert await customer.release(trigger) == 0
    await customer.work()
    assert [delivery.path for delivery in receiver.deliveries] == ["/repaired"] * 2
    assert await customer.statuses() == ["success"]
    assert sorted(await customer.statuses(view=View.ARCHIVED)) == ["failure", "success"]
    log = (await detail(customer.parts, customer.caller, early)).log
    assert [attempt["number"] for attempt in log.attempts] == [1]
    assert log.released_at == clock.now()


async def test_archived_events_that_wait_for_a_slot_follow_each_other_at_once(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await gone(customer, receiver)
    for _ in range(12):
        await customer.fire(trigger)
    clock.advance(hours=2, minutes=1)
    await functions.retention()
    await customer.resume(trigger)
    assert await customer.release(trigger) == 12
    await customer.work()  # one slot frees the next: nobody waits for the sweep
    assert len(receiver.deliveries) == 12
    archived = await customer.statuses(view=View.ARCHIVED)
    assert sorted(archived) == ["failure"] + ["success"] * 12


async def test_what_is_not_released_goes_when_its_time_is_over(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await gone(customer, receiver)
    await customer.fire(trigger)
    await customer.resume(trigger)
    clock.advance(hours=48)
    assert await customer.release(trigger) == 0
    assert (await functions.retention())["deleted"] == 2
    assert receiver.deliveries == []


async def test_tests_and_replays_of_a_disabled_trigger_are_delivered(
    customer: Customer, receiver: Receiver
) -> None:
    trigger = await gone(customer, receiver)
    held = await customer.fire(trigger)
    await run_test(trigger.id, {"payload": {"id": 2}}, customer.caller, customer.parts.run_test)
    await replay_event(held, customer.caller, customer.parts.replay_events)
    await customer.work()
    assert sorted(await customer.statuses()) == ["failure", "held", "success", "success"]
    assert (await customer.see(trigger)).status == "disabled"


async def test_an_event_is_not_held_once_its_trigger_has_been_resumed(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await gone(customer, receiver)
    event_id = await fire(customer.parts, trigger, b'{"id": 1}')
    deliveries = customer.parts.deliveries
    [claimed] = await claim_all(customer.parts, trigger)
    assert claimed.id == event_id
    assert claimed.is_to_hold
    await customer.resume(trigger)
    assert not (await deliveries.settle([Held(claimed)], [], now=clock.now())).done
    functions.messages(customer.parts.settings.deliveries_queue_url)
    clock.advance(seconds=30)
    await functions.tick()  # its lease is over
    await customer.work()
    assert sorted(await customer.statuses()) == ["failure", "success"]


async def test_a_late_release_is_no_late_delivery(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await gone(customer, receiver)
    await customer.fire(trigger)
    clock.advance(hours=1)
    await customer.resume(trigger)
    await customer.release(trigger)
    await customer.work()
    totals = await customer.parts.observations.totals()
    assert sum(one.count for one in totals) == 2
    assert max(one.lateness_max_ms for one in totals) < timedelta(minutes=1).total_seconds() * 1000
