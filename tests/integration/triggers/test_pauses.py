"""Pauses between the look-ahead and the due time: what fires follows them, nothing is lost."""

import pytest

from tests.clock import VirtualClock
from tests.integration.triggers.customer import HOOK, START, Customer
from tests.receiver import Receiver
from triggerfish.domain.errors import Conflict, TryLater
from triggerfish.usecases import change_trigger


async def test_a_pause_before_the_due_time_fires_nothing(
    customer: Customer, receiver: Receiver
) -> None:
    trigger = await customer.create(receiver.url(), schedule={"in": "2s"})
    paused = await customer.pause(trigger)
    assert (paused.status, paused.next_fire_at, paused.fired_count) == ("paused", None, 0)
    assert await customer.pause(trigger) == paused
    await customer.wait(5)
    await customer.work()
    assert receiver.deliveries == []
    assert await customer.fired() == []


async def test_what_was_looked_ahead_and_taken_back_fires_after_a_resume_in_time(
    customer: Customer, receiver: Receiver, clock: VirtualClock
) -> None:
    trigger = await customer.create(receiver.url(), schedule={"in": "2s"})
    await customer.pause(trigger)
    clock.advance(seconds=1)
    resumed = await customer.resume(trigger)
    assert (resumed.status, resumed.next_fire_at) == ("active", START.replace(second=2))
    await customer.work()  # no tick in between
    assert clock.now() == START.replace(second=2)
    assert len(receiver.deliveries) == 1
    assert (await customer.see(trigger)).fired_count == 1


async def test_a_pause_loses_nothing_of_a_backlog_that_takes_several_looks(
    customer: Customer, clock: VirtualClock
) -> None:
    trigger = await customer.create(HOOK, schedule={"every": "1s"})
    clock.advance(seconds=130)  # with no tick
    assert (await customer.pause(trigger)).fired_count == 130
    assert len(await customer.fired()) == 130


async def test_a_trigger_that_is_far_behind_is_changed_when_it_has_caught_up(
    customer: Customer, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_trigger, "CATCH_UP_LOOKS", 1)
    trigger = await customer.create(HOOK, schedule={"every": "1s"})
    clock.advance(seconds=130)
    with pytest.raises(TryLater):
        await customer.pause(trigger)
    assert (await customer.see(trigger)).status == "active"
    assert (await customer.pause(trigger)).fired_count == 130


async def test_what_was_missed_during_a_pause_is_not_made_up(customer: Customer) -> None:
    trigger = await customer.create(HOOK, schedule={"every": "10s"})
    await customer.wait(15)
    await customer.pause(trigger)
    await customer.wait(20)
    await customer.resume(trigger)
    await customer.wait(10)
    assert await customer.fired() == [10, 40]
    seen = await customer.see(trigger)
    assert (seen.fired_count, seen.skipped_count) == (2, 0)


async def test_pauses_do_not_use_up_the_fires_of_a_trigger(customer: Customer) -> None:
    trigger = await customer.create(HOOK, schedule={"every": "1s", "max_fires": 3})
    for _ in range(4):
        await customer.pause(trigger)
        await customer.resume(trigger)
    await customer.wait(10)
    assert await customer.fired() == [1, 2, 3]
    assert (await customer.see(trigger)).status == "completed"


async def test_a_one_shot_whose_time_passed_in_a_pause_is_completed_by_the_resume(
    customer: Customer,
) -> None:
    trigger = await customer.create(HOOK, schedule={"in": "5s"})
    await customer.pause(trigger)
    await customer.wait(6)
    assert (await customer.resume(trigger)).status == "completed"
    with pytest.raises(Conflict, match="completed"):
        await customer.resume(trigger)
    with pytest.raises(Conflict, match="completed"):
        await customer.pause(trigger)
    assert await customer.fired() == []


async def test_a_disabled_trigger_cannot_be_paused_and_is_enabled_by_a_resume(
    customer: Customer, receiver: Receiver
) -> None:
    receiver.answer(410)
    trigger = await customer.create(receiver.url(), schedule={"every": "5s"})
    await customer.wait(5)
    await customer.work()
    assert (await customer.see(trigger)).status == "disabled"
    with pytest.raises(Conflict, match="disabled"):
        await customer.pause(trigger)
    edited = await customer.patch(trigger, endpoint={"url": HOOK})
    assert (edited.status, edited.next_fire_at) == ("disabled", START.replace(second=10))
    resumed = await customer.resume(trigger)
    assert (resumed.status, resumed.disabled) == ("active", None)
    await customer.wait(6)
    assert await customer.fired() == [5, 10]
