"""Edits and deletions between the look-ahead and the due time: what fires follows them."""

import pytest

from tests.clock import VirtualClock
from tests.factories import an_api_trigger
from tests.integration.actions import create, fire
from tests.integration.triggers.customer import HOOK, START, Customer
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.domain.errors import Conflict, InvalidInput
from triggerfish.usecases.manage_triggers import delete_trigger
from triggerfish.wiring import Wiring


async def test_an_edit_before_the_due_time_fires_with_the_new_payload(
    customer: Customer, receiver: Receiver
) -> None:
    trigger = await customer.create(receiver.url("/old"), schedule={"in": "2s"}, payload="old")
    edited = await customer.patch(trigger, payload="new", endpoint={"url": receiver.url("/new")})
    assert (edited.revision.number, edited.status) == (2, "active")
    await customer.work()
    [delivery] = receiver.deliveries
    assert (delivery.path, delivery.body) == ("/new", b'"new"')
    assert await customer.fired() == [2]
    seen = await customer.see(trigger)
    assert (seen.status, seen.fired_count) == ("completed", 1)


async def test_an_edit_after_the_firing_leaves_its_event_as_it_fired(
    customer: Customer, receiver: Receiver
) -> None:
    trigger = await customer.create(receiver.url("/old"), schedule={"every": "5s"}, payload="old")
    await customer.wait(5)
    await customer.patch(trigger, payload="new", endpoint={"url": receiver.url("/new")})
    await customer.wait(5)
    await customer.work()
    delivered = sorted((delivery.path, delivery.body) for delivery in receiver.deliveries)
    assert delivered == [("/new", b'"new"'), ("/old", b'"old"')]


async def test_an_edit_within_the_look_ahead_fires_what_remains_once(customer: Customer) -> None:
    trigger = await customer.create(HOOK, schedule={"every": "1s", "max_fires": 6})
    await customer.wait(2)  # four are written, two of them are due
    edited = await customer.patch(trigger, name="renamed")
    assert (edited.fired_count, edited.next_fire_at) == (2, START.replace(second=3))
    await customer.patch(trigger, name="again")
    await customer.wait(8)
    assert await customer.fired() == [1, 2, 3, 4, 5, 6]
    assert (await customer.see(trigger)).fired_count == 6


async def test_what_was_due_before_a_change_fires_as_the_trigger_was_though_the_tick_is_late(
    customer: Customer, receiver: Receiver, clock: VirtualClock
) -> None:
    edited = await customer.create(receiver.url(), schedule={"in": "5s"}, payload="old")
    paused = await customer.create(receiver.url(), schedule={"every": "6s"}, payload="old")
    clock.advance(seconds=7)
    await customer.patch(edited, payload="new")
    await customer.pause(paused)
    await customer.work()
    assert [delivery.body for delivery in receiver.deliveries] == [b'"old"'] * 2
    await customer.resume(paused)
    await customer.wait(6)
    assert await customer.fired() == [5, 6, 12]


async def test_a_deletion_before_the_due_time_fires_nothing(
    customer: Customer, receiver: Receiver, parts: Wiring, caller: Principal
) -> None:
    trigger = await customer.create(receiver.url(), schedule={"in": "2s"})
    await delete_trigger(trigger.id, caller, parts.manage_triggers)
    await customer.wait(4)
    await customer.work()
    assert receiver.deliveries == []
    assert await customer.fired() == []


async def test_a_jittered_occurrence_is_taken_back_and_fires_at_the_same_time(
    customer: Customer,
) -> None:
    schedule = {"every": "20s", "jitter_seconds": 20, "max_fires": 3}
    trigger = await customer.create(HOOK, schedule=schedule)
    times = []
    for n in range(3):
        due = (await customer.see(trigger)).next_fire_at
        assert due is not None
        times.append((due - START).total_seconds())
        while (await customer.see(trigger)).fired_count == n:
            await customer.wait(1)
        assert (await customer.patch(trigger, payload=n)).next_fire_at == due
        await customer.pause(trigger)
        assert (await customer.resume(trigger)).next_fire_at == due
    await customer.wait(30)
    assert await customer.fired() == times


async def test_a_new_schedule_starts_from_now_and_counts_its_own_fires(customer: Customer) -> None:
    trigger = await customer.create(HOOK, schedule={"every": "1s", "max_fires": 2})
    await customer.wait(5)
    assert (await customer.see(trigger)).status == "completed"
    kept = await customer.patch(trigger, name="renamed")
    assert (kept.status, kept.fired_count) == ("completed", 2)
    again = await customer.patch(trigger, schedule={"every": "2s", "max_fires": 2})
    assert (again.status, again.fired_count, again.revision.number) == ("active", 0, 3)
    await customer.wait(9)
    assert await customer.fired() == [1, 2, 7, 9]


async def test_a_schedule_sent_back_as_it_was_shown_keeps_its_anchor(
    customer: Customer, clock: VirtualClock
) -> None:
    trigger = await customer.create(HOOK, schedule={"every": "10s"})
    assert trigger.revision.definition.schedule is not None
    clock.advance(seconds=5)
    same = trigger.revision.definition.schedule.to_json()
    edited = await customer.patch(trigger, schedule=same, name="renamed")
    assert edited.next_fire_at == START.replace(second=10)
    other = await customer.patch(trigger, schedule={"every": "10s"})
    assert other.next_fire_at == START.replace(second=15)


async def test_a_new_schedule_of_a_paused_trigger_waits_for_its_resume(customer: Customer) -> None:
    trigger = await customer.create(HOOK, schedule={"in": "2s"})
    await customer.pause(trigger)
    edited = await customer.patch(trigger, schedule={"in": "4s"})
    assert (edited.status, edited.next_fire_at) == ("paused", None)
    await customer.wait(3)
    await customer.resume(trigger)
    await customer.wait(3)
    assert await customer.fired() == [4]


async def test_an_edit_within_the_look_ahead_is_enqueued_at_once(
    customer: Customer, receiver: Receiver, clock: VirtualClock
) -> None:
    trigger = await customer.create(receiver.url(), schedule={"in": "1h"})
    await customer.patch(trigger, schedule={"in": "PT1.5S"})
    await customer.work()  # no tick in between
    assert (clock.now() - START).total_seconds() == 1.5
    assert len(receiver.deliveries) == 1


async def test_an_edit_that_changes_nothing_writes_no_revision(customer: Customer) -> None:
    trigger = await customer.create(HOOK, schedule={"in": "1s"})
    assert (await customer.patch(trigger)).revision == trigger.revision
    same = await customer.patch(trigger, name=trigger.revision.definition.name, type="scheduled")
    assert same.revision == trigger.revision
    await customer.wait(2)
    assert await customer.fired() == [1]


async def test_a_refused_edit_changes_nothing(customer: Customer) -> None:
    trigger = await customer.create(HOOK, schedule={"in": "1s"})
    with pytest.raises(InvalidInput):
        await customer.patch(trigger, name="new", schedule={"cron": "x"})
    await customer.wait(2)
    assert await customer.fired() == [1]
    assert (await customer.see(trigger)).revision == trigger.revision


async def test_a_looser_schema_holds_for_callers_that_were_remembered_with_the_old_one(
    customer: Customer, parts: Wiring, caller: Principal
) -> None:
    trigger = await create(parts, caller, an_api_trigger(HOOK))
    with pytest.raises(InvalidInput):
        await fire(parts, trigger, b"{}")
    await fire(parts, trigger, b'{"id": 1}')
    await customer.patch(trigger, schema=None)
    await fire(parts, trigger, b"{}")
    await customer.patch(trigger, schema={"type": "array"})
    with pytest.raises(InvalidInput):
        await fire(parts, trigger, b"{}")
    await customer.pause(trigger)
    with pytest.raises(Conflict, match="paused"):
        await fire(parts, trigger, b"[]")
    await customer.resume(trigger)
    await fire(parts, trigger, b"[]")
