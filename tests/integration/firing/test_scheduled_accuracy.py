"""Scheduled triggers: fired by the tick, delivered at their time and never before, logged once."""

from datetime import timedelta

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger
from tests.integration.actions import create, detail, logs
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.usecases.manage_triggers import delete_trigger, get_trigger
from triggerfish.wiring import Wiring


async def test_a_one_shot_fires_at_its_time_and_its_log_turns_success(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    due = clock.now() + timedelta(seconds=5)
    await create(parts, caller, a_scheduled_trigger(receiver.url(), payload={"n": 1}))
    assert await functions.tick() == {"fired": 0, "skipped": 0, "swept": 0}

    clock.advance(seconds=4)
    assert (await functions.tick())["fired"] == 1
    await functions.work(parts.settings.deliveries_queue_url)

    assert clock.now() == due  # the worker waited until then, and not longer
    [delivery] = receiver.deliveries
    assert delivery.body == b'{"n":1}'
    [seen] = await logs(parts, caller)
    assert (seen.log.status, seen.log.scheduled_for, seen.log.fired_at) == ("success", due, due)
    [attempt] = (await detail(parts, caller, seen.log.id)).log.attempts
    assert (attempt["number"], attempt["status_code"]) == (1, 200)
    assert attempt["duration_ms"] >= 0


async def test_a_firing_is_not_in_the_log_before_its_time(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule={"in": "2s"}))
    assert await logs(parts, caller) == []
    clock.advance(seconds=2)
    assert len(await logs(parts, caller)) == 1


async def test_a_trigger_within_the_look_ahead_is_enqueued_when_it_is_created(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    due = clock.now() + timedelta(milliseconds=1500)
    await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule={"in": "PT1.5S"}))
    await functions.work(parts.settings.deliveries_queue_url)  # no tick in between
    assert clock.now() == due
    assert len(receiver.deliveries) == 1


async def test_an_interval_fires_every_time_without_drift(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    start = clock.now()
    await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule={"every": "10s"}))
    for _ in range(31):
        await functions.tick()
        await functions.work(parts.settings.deliveries_queue_url)
        clock.advance(seconds=1)
    fired = sorted(seen.log.scheduled_for for seen in await logs(parts, caller))
    assert fired == [start + timedelta(seconds=10 * n) for n in (1, 2, 3)]
    assert len(receiver.deliveries) == 3


async def test_a_cron_trigger_fires_at_its_wall_clock_time(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    schedule = {"cron": "5 13 * * *", "timezone": "Europe/Berlin"}
    trigger = await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule=schedule))
    due = clock.now() + timedelta(minutes=5)  # 12:00 UTC is 13:00 in Berlin
    assert trigger.next_fire_at == due
    clock.advance(minutes=4, seconds=59)
    await functions.tick()
    await functions.work(parts.settings.deliveries_queue_url)
    assert clock.now() == due
    refreshed = await get_trigger(trigger.id, caller, parts.manage_triggers)
    assert refreshed.next_fire_at == due + timedelta(days=1)


async def test_a_finished_schedule_completes_its_trigger(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    schedule = {"every": "1s", "max_fires": 2}
    trigger = await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule=schedule))
    for _ in range(5):
        await functions.tick()
        clock.advance(seconds=1)
    done = await get_trigger(trigger.id, caller, parts.manage_triggers)
    assert (done.status, done.fired_count, done.next_fire_at) == ("completed", 2, None)
    assert len(await logs(parts, caller)) == 2


async def test_jitter_delays_a_firing_by_the_same_amount_every_time_it_is_computed(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    start = clock.now()
    schedule = {"every": "60s", "jitter_seconds": 30}
    trigger = await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule=schedule))
    assert trigger.next_fire_at is not None
    delay = trigger.next_fire_at - (start + timedelta(seconds=60))
    assert timedelta() <= delay < timedelta(seconds=30)
    while clock.now() < trigger.next_fire_at:
        await functions.tick()
        clock.advance(seconds=1)
    [seen] = await logs(parts, caller)
    assert seen.log.scheduled_for == trigger.next_fire_at


async def test_deleting_a_trigger_stops_a_firing_that_was_already_looked_ahead(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(
        parts, caller, a_scheduled_trigger(receiver.url(), schedule={"in": "2s"})
    )
    await delete_trigger(trigger.id, caller, parts.manage_triggers)
    await functions.work(parts.settings.deliveries_queue_url)  # its message finds no row
    clock.advance(seconds=10)
    await functions.tick()
    assert receiver.deliveries == []
    assert await logs(parts, caller) == []


async def test_after_an_hour_of_downtime_every_missed_firing_is_made_up(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule={"every": "10m"}))
    started_again = clock.advance(minutes=61)
    assert (await functions.tick())["fired"] == 6
    fired_at = {seen.log.fired_at for seen in await logs(parts, caller)}
    assert fired_at == {started_again}  # the moment of catching up


async def test_catch_up_latest_makes_up_one_firing_and_counts_the_others(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(
        parts,
        caller,
        a_scheduled_trigger(receiver.url(), schedule={"every": "10m"}, catch_up="latest"),
    )
    clock.advance(minutes=65)
    assert await functions.tick() == {"fired": 1, "skipped": 5, "swept": 0}
    refreshed = await get_trigger(trigger.id, caller, parts.manage_triggers)
    assert (refreshed.fired_count, refreshed.skipped_count) == (1, 5)
