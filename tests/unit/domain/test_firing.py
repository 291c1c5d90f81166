"""What one look at a due trigger leads to: firings, skips, and the next cursor."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggerfish.domain.catch_up import PACE, Waiting
from triggerfish.domain.firing import (
    MAX_OCCURRENCES,
    Cursor,
    DueTrigger,
    Firing,
    Plan,
    first_cursor,
    plan,
    plan_batch,
)
from triggerfish.domain.schedule import At, Every, Schedule

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ID = UUID(int=7)
KEY = "9f86d081884c7d65"


def due(schedule: Schedule, at: datetime, **changes: Any) -> DueTrigger:
    given: dict[str, Any] = {
        "fired_count": 0,
        "catch_up": "all",
        "catch_up_window": HOUR,
        "endpoint_key": KEY,
    } | changes
    return DueTrigger(ID, UUID(int=8), schedule, at, **given)


def every(interval: timedelta, start: datetime = NOW, **bounds: Any) -> Schedule:
    return Schedule(Every(interval, start), **bounds)


def test_what_is_due_within_the_look_ahead_fires_then_and_not_before():
    made = plan(due(every(SECOND), NOW), now=NOW, until=NOW + 2 * SECOND)
    assert made.firings == tuple(Firing(NOW + n * SECOND, NOW + n * SECOND) for n in range(3))
    assert made.next == Cursor(NOW + 3 * SECOND, NOW + 3 * SECOND)
    assert made.skipped == 0


def test_what_is_merely_late_is_fired_now_for_its_own_time():
    made = plan(due(every(HOUR, NOW - MINUTE), NOW - MINUTE), now=NOW, until=NOW)
    assert made.firings == (Firing(NOW - MINUTE, NOW),)


@pytest.mark.parametrize(
    ("policy", "window", "fired", "skipped"),
    [
        ("all", 10 * HOUR, 6, 0),
        ("all", 2 * HOUR, 3, 3),
        ("all", timedelta(0), 1, 5),
        ("latest", HOUR, 2, 4),
        ("none", HOUR, 1, 5),
    ],
)
def test_the_missed_are_fired_or_counted_by_the_catch_up_policy(policy, window, fired, skipped):
    """Five hours missed, and one due now."""
    late = NOW - 5 * HOUR
    trigger = due(every(HOUR, late), late, catch_up=policy, catch_up_window=window)
    made = plan(trigger, now=NOW, until=NOW)
    assert (len(made.firings), made.skipped) == (fired, skipped)
    assert made.firings[-1] == Firing(NOW, NOW)
    assert made.next.occurrence_at == NOW + HOUR


def test_a_one_shot_trigger_is_completed_by_its_firing():
    made = plan(due(Schedule(At(NOW)), NOW), now=NOW, until=NOW)
    assert (made.firings, made.next) == ((Firing(NOW, NOW),), Cursor(None, None))


@pytest.mark.parametrize(("policy", "fired"), [("all", 1), ("latest", 1), ("none", 0)])
def test_a_missed_one_shot_trigger_is_completed_either_way(policy, fired):
    late = NOW - 30 * MINUTE
    made = plan(due(Schedule(At(late)), late, catch_up=policy), now=NOW, until=NOW)
    assert (len(made.firings), made.skipped) == (fired, 1 - fired)
    assert made.next == Cursor(None, None)


@pytest.mark.parametrize(("already", "fires"), [(0, 3), (1, 2), (2, 1)])
def test_max_fires_counts_over_all_looks(already, fires):
    trigger = due(every(SECOND, max_fires=3), NOW, fired_count=already)
    made = plan(trigger, now=NOW, until=NOW + 10 * SECOND)
    assert (len(made.firings), made.next) == (fires, Cursor(None, None))


def test_making_up_for_the_missed_counts_as_a_firing():
    late = NOW - 5 * HOUR
    trigger = due(every(HOUR, late, max_fires=1), late, catch_up="latest")
    made = plan(trigger, now=NOW, until=NOW)
    assert (len(made.firings), made.skipped, made.next) == (1, 4, Cursor(None, None))


def test_the_end_is_inclusive_and_completes_the_trigger():
    made = plan(due(every(SECOND, end_at=NOW + SECOND), NOW), now=NOW, until=NOW + MINUTE)
    assert [firing.scheduled_for for firing in made.firings] == [NOW, NOW + SECOND]
    assert made.next == Cursor(None, None)


def test_one_look_writes_a_bounded_number_of_events_and_the_next_goes_on():
    made = plan(due(every(SECOND), NOW), now=NOW, until=NOW + HOUR)
    assert len(made.firings) == MAX_OCCURRENCES
    assert made.next.occurrence_at == NOW + MAX_OCCURRENCES * SECOND


def test_jitter_delays_a_firing_within_its_bound_and_always_by_the_same():
    schedule = every(HOUR, jitter_seconds=600)
    first = first_cursor(schedule, now=NOW - SECOND, seed=str(ID))
    assert first.occurrence_at == NOW
    assert first.fire_at is not None
    assert NOW <= first.fire_at < NOW + 10 * MINUTE
    assert first_cursor(schedule, now=NOW - SECOND, seed=str(ID)) == first
    assert first_cursor(schedule, now=NOW - SECOND, seed="another") != first


def test_with_jitter_what_is_missed_is_still_skipped():
    late = NOW - 5 * HOUR
    schedule = every(HOUR, late, jitter_seconds=600)
    made = plan(due(schedule, late, catch_up="none"), now=NOW, until=NOW)
    assert (made.skipped, made.next.occurrence_at) == (5, NOW)


def test_an_occurrence_waits_for_its_jitter_and_is_not_taken_before():
    schedule = every(HOUR, jitter_seconds=600)
    fire_at = first_cursor(schedule, now=NOW - SECOND, seed=str(ID)).fire_at
    assert fire_at is not None
    early = plan(due(schedule, NOW), now=NOW, until=fire_at - SECOND)
    assert (early.firings, early.next) == ((), Cursor(NOW, fire_at))
    made = plan(due(schedule, NOW), now=fire_at - SECOND, until=fire_at)
    assert made.firings == (Firing(fire_at, fire_at),)


@pytest.mark.parametrize("policy", ["all", "latest", "none"])
def test_an_occurrence_that_waited_for_its_jitter_has_not_been_missed(policy):
    """Whatever its policy: longer than the grace, but no longer than its jitter."""
    schedule = every(HOUR, jitter_seconds=3600)
    fire_at = first_cursor(schedule, now=NOW - SECOND, seed=str(ID)).fire_at
    assert fire_at is not None
    assert fire_at > NOW + 2 * MINUTE
    trigger = due(schedule, NOW, catch_up=policy, catch_up_window=timedelta(0))
    made = plan(trigger, now=fire_at, until=fire_at)
    assert (made.firings, made.skipped) == ((Firing(fire_at, fire_at),), 0)


def turns_of(plans: list[Plan]) -> list[dict[datetime, datetime | None]]:
    """For each plan, which turn each of its firings has."""
    return [{firing.scheduled_for: firing.turn for firing in made.firings} for made in plans]


def test_triggers_that_catch_up_at_one_endpoint_take_turns_the_oldest_first():
    often = due(every(2 * MINUTE, NOW - 7 * MINUTE), NOW - 7 * MINUTE)
    seldom = due(every(HOUR, NOW - 4 * MINUTE), NOW - 4 * MINUTE)
    elsewhere = due(every(HOUR, NOW - 4 * MINUTE), NOW - 4 * MINUTE, endpoint_key="other")
    assert turns_of(plan_batch([often, seldom, elsewhere], now=NOW, until=NOW).plans) == [
        {
            NOW - 7 * MINUTE: NOW,
            NOW - 5 * MINUTE: NOW + PACE,
            NOW - 3 * MINUTE: NOW + 3 * PACE,
            NOW - MINUTE: None,  # merely late
        },
        {NOW - 4 * MINUTE: NOW + 2 * PACE},
        {NOW - 4 * MINUTE: NOW},
    ]


def test_what_is_on_time_waits_for_nobodys_turn():
    missed = due(every(HOUR, NOW - HOUR), NOW - HOUR)
    on_time = due(every(HOUR, NOW), NOW)
    waiting = [Waiting(ID, KEY, NOW - 2 * HOUR, NOW + MINUTE)]
    made = plan_batch([on_time, missed], now=NOW, until=NOW, waiting=waiting)
    assert turns_of(made.plans) == [
        {NOW: None},
        {NOW - HOUR: NOW + MINUTE + PACE, NOW: None},
    ]


def test_turns_change_nothing_else_of_a_plan():
    missed = due(every(SECOND, NOW - HOUR), NOW - HOUR)
    waiting = [Waiting(ID, KEY, NOW - 2 * HOUR, NOW + MINUTE)]
    [made] = plan_batch([missed], now=NOW, until=NOW, waiting=waiting).plans
    alone = plan(missed, now=NOW, until=NOW)
    assert [replace(firing, turn=None) for firing in made.firings] == list(alone.firings)
    assert (made.skipped, made.next) == (alone.skipped, alone.next)


@pytest.mark.parametrize(("policy", "fired", "skipped"), [("none", 1, 4), ("latest", 2, 3)])
def test_without_a_grace_only_what_is_on_time_is_not_missed(policy, fired, skipped):
    late = NOW - 4 * SECOND
    trigger = due(every(SECOND, late), late, catch_up=policy, catch_up_grace=timedelta(0))
    made = plan(trigger, now=NOW, until=NOW)
    assert (len(made.firings), made.skipped) == (fired, skipped)
    assert made.firings[-1].scheduled_for == NOW


def test_the_grace_of_a_trigger_decides_whether_its_firings_wait_for_turns():
    late = NOW - 4 * SECOND
    strict = due(every(2 * SECOND, late), late, catch_up_grace=timedelta(0))
    usual = due(every(2 * SECOND, late), late, endpoint_key="other")
    assert turns_of(plan_batch([strict, usual], now=NOW, until=NOW).plans) == [
        {late: NOW, NOW - 2 * SECOND: NOW + PACE, NOW: None},
        {late: None, NOW - 2 * SECOND: None, NOW: None},
    ]


def test_triggers_with_other_limits_of_one_receiver_share_its_turns():
    limited = due(every(HOUR, NOW - HOUR), NOW - HOUR, endpoint_key=f"{KEY};2;")
    free = due(every(HOUR, NOW - 2 * HOUR), NOW - 2 * HOUR, catch_up_window=3 * HOUR)
    [one, other] = turns_of(plan_batch([limited, free], now=NOW, until=NOW).plans)
    assert other == {NOW - 2 * HOUR: NOW, NOW - HOUR: other[NOW - HOUR], NOW: None}
    assert {one[NOW - HOUR], other[NOW - HOUR]} == {NOW + PACE, NOW + 2 * PACE}


@settings(max_examples=150, deadline=None)
@given(
    interval=st.integers(1, 4_000).map(lambda seconds: seconds * SECOND),
    policy=st.sampled_from(["all", "latest", "none"]),
    window=st.integers(0, 7_200).map(lambda seconds: seconds * SECOND),
    looks=st.lists(st.integers(0, 5_000), min_size=1, max_size=12),
    horizon=st.sampled_from([timedelta(0), 2 * SECOND, 150 * SECOND]),
)
def test_however_late_and_often_it_is_looked_every_occurrence_fires_once_or_is_counted(
    interval, policy, window, looks, horizon
):
    schedule, now, fired, skipped = every(interval), NOW, list[datetime](), 0
    at = NOW  # where the cursor stands
    for wait in looks:
        now += wait * SECOND
        if at > now + horizon:
            continue
        trigger = due(schedule, at, catch_up=policy, catch_up_window=window)
        made = plan(trigger, now=now, until=now + horizon)
        fired += [firing.scheduled_for for firing in made.firings]
        skipped += made.skipped
        assert made.next.occurrence_at is not None
        at = made.next.occurrence_at
    dealt_with = (at - NOW) // interval
    assert len(fired) + skipped == dealt_with
    assert all(one < other for one, other in pairwise(fired))
    assert all((at - NOW) % interval == timedelta(0) for at in fired)
