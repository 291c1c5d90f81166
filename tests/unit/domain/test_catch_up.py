"""Occurrences missed while nobody was looking."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggerfish.domain.catch_up import (
    PACE,
    CatchUpPolicy,
    Resume,
    Skip,
    Waiting,
    is_made_up,
    resume,
    skip_to,
    turns,
)
from triggerfish.domain.schedule import At, Cron, Every, Schedule, due, next_occurrence

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
GRACE = timedelta(seconds=60)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HOURLY = Schedule(Every(HOUR, NOW - 10 * HOUR))
LATE = [NOW - n * HOUR for n in range(5, -1, -1)]  # five missed, one due now


def decided(
    policy: CatchUpPolicy,
    schedule: Schedule,
    at: datetime,
    *,
    window: timedelta,
    grace: timedelta = GRACE,
) -> tuple[list[datetime], int]:
    """What fires of all that is due since `at`, and how much is skipped."""
    plan = resume(policy, schedule, at, now=NOW, window=window, grace=grace)
    assert plan.next_at is not None
    rest, _ = due(schedule, plan.next_at, until=NOW, fired=0, limit=100)
    return ([] if plan.make_up is None else [plan.make_up]) + rest, plan.skipped


@pytest.mark.parametrize(
    ("policy", "fired", "skipped"),
    [("all", LATE[3:], 3), ("latest", LATE[4:], 4), ("none", LATE[5:], 5)],
)
@pytest.mark.parametrize("schedule", [HOURLY, Schedule(Cron("0 * * * *", "UTC"))])
def test_a_policy_decides_which_missed_occurrences_fire(schedule, policy, fired, skipped):
    assert decided(policy, schedule, LATE[0], window=2 * HOUR) == (fired, skipped)


@pytest.mark.parametrize("policy", ["all", "latest", "none"])
def test_what_is_late_by_less_than_the_grace_always_fires(policy):
    late = [NOW - timedelta(seconds=60), NOW]
    schedule = Schedule(Every(GRACE, late[0]))
    assert decided(policy, schedule, late[0], window=timedelta(0)) == (late, 0)


@pytest.mark.parametrize("policy", ["all", "latest", "none"])
def test_a_longer_grace_makes_everything_within_it_merely_late(policy):
    made = decided(policy, HOURLY, LATE[0], window=timedelta(0), grace=5 * HOUR)
    assert made == (LATE, 0)


@pytest.mark.parametrize(
    ("policy", "fired", "skipped"),
    [("all", LATE, 0), ("latest", LATE[4:], 4), ("none", LATE[5:], 5)],
)
def test_without_a_grace_only_what_is_on_time_is_not_missed(policy, fired, skipped):
    made = decided(policy, HOURLY, LATE[0], window=6 * HOUR, grace=timedelta(0))
    assert made == (fired, skipped)


def test_a_second_trigger_down_for_a_year_is_skipped_at_once():
    schedule = Schedule(Every(timedelta(seconds=1), NOW - timedelta(days=365)))
    skip = skip_to(schedule, NOW - timedelta(days=365), before=NOW)
    assert skip == Skip(365 * 86_400, NOW - timedelta(seconds=1), NOW)


def test_a_minutely_cron_down_for_a_year_is_counted_by_days():
    schedule = Schedule(Cron("* * * * *", "America/New_York"))
    skip = skip_to(schedule, NOW - timedelta(days=365), before=NOW)
    assert skip == Skip(365 * 1440, NOW - timedelta(minutes=1), NOW)


def test_a_missed_one_shot_fires_late_or_not_at_all():
    once = Schedule(At(NOW - HOUR))
    assert resume("latest", once, NOW - HOUR, now=NOW, window=HOUR, grace=GRACE) == Resume(
        NOW - HOUR, 0, None
    )
    assert resume("none", once, NOW - HOUR, now=NOW, window=HOUR, grace=GRACE) == Resume(
        None, 1, None
    )
    assert resume("all", once, NOW - HOUR, now=NOW, window=HOUR, grace=GRACE) == Resume(
        None, 0, NOW - HOUR
    )


def test_skipping_stops_at_the_end_of_the_schedule():
    schedule = Schedule(Every(HOUR, LATE[0]), end_at=LATE[2])
    assert skip_to(schedule, LATE[0], before=NOW) == Skip(3, LATE[2], None)


def test_making_up_counts_towards_max_fires():
    schedule = Schedule(Every(HOUR, LATE[0]), max_fires=3)
    assert resume(
        "latest", schedule, LATE[0], now=NOW, window=HOUR, grace=GRACE, fired=2
    ) == Resume(LATE[4], 4, None)
    assert (
        resume("latest", schedule, LATE[0], now=NOW, window=HOUR, grace=GRACE, fired=1).next_at
        == NOW
    )


@settings(max_examples=150, deadline=None)
@given(
    rule=st.sampled_from(
        [
            Every(timedelta(seconds=90), NOW - timedelta(days=400)),
            Cron("*/20 * * * *", "America/New_York"),
            Cron("30 1,2 * * *", "America/New_York"),
            Cron("15 0 * * *", "America/Sao_Paulo"),
            Cron("*/10 1-2 * * MON", "Australia/Lord_Howe"),
        ]
    ),
    start=st.integers(0, 500 * 1440),
    span=st.integers(0, 3 * 1440),
)
def test_a_jump_skips_exactly_what_stepping_would_pass(rule, start, span):
    schedule = Schedule(rule)
    first = next_occurrence(schedule, NOW - timedelta(minutes=start))
    assert first is not None
    before = first + timedelta(minutes=span)
    passed, cursor = due(
        schedule, first, until=before - timedelta(microseconds=1), fired=0, limit=10_000
    )
    newest = passed[-1] if passed else None
    assert skip_to(schedule, first, before=before) == Skip(len(passed), newest, cursor)


def missed(*due: tuple[str, int]) -> list[tuple[str, datetime]]:
    return [(endpoint, NOW - minutes * MINUTE) for endpoint, minutes in due]


def waiting(*places: tuple[int, timedelta]) -> list[Waiting]:
    """At endpoint a: due so many minutes ago, with turns so much later than now."""
    return [
        Waiting(UUID(int=n), "a", NOW - minutes * MINUTE, NOW + turn)
        for n, (minutes, turn) in enumerate(places)
    ]


def test_what_is_made_up_at_one_endpoint_takes_turns_from_now_on_the_oldest_first():
    taken, moved = turns(missed(("a", 3), ("a", 9), ("b", 1), ("a", 5)), now=NOW, waiting=[])
    assert taken == [NOW + 2 * PACE, NOW, NOW, NOW + PACE]
    assert moved == []


@pytest.mark.parametrize(
    ("last", "first"),
    [(5 * PACE, 6 * PACE), (timedelta(0), PACE), (-PACE / 2, PACE / 2), (-HOUR, timedelta(0))],
)
def test_turns_follow_those_already_taken_but_never_lie_in_the_past(last, first):
    taken, moved = turns(missed(("a", 2), ("a", 1), ("b", 1)), now=NOW, waiting=waiting((3, last)))
    assert taken == [NOW + first, NOW + first + PACE, NOW]
    assert moved == []


def test_what_waits_for_its_turn_makes_room_for_what_is_older():
    there = waiting((9, PACE), (7, 2 * PACE), (3, 3 * PACE))
    taken, moved = turns(missed(("a", 5), ("a", 8), ("a", 1)), now=NOW, waiting=there)
    assert taken == [NOW + 4 * PACE, NOW + 2 * PACE, NOW + 6 * PACE]
    assert [(one.id, one.turn) for one in moved] == [
        (UUID(int=1), NOW + 3 * PACE),
        (UUID(int=2), NOW + 5 * PACE),
    ]


def test_what_has_had_its_turn_makes_no_room():
    taken, moved = turns(missed(("a", 5)), now=NOW, waiting=waiting((3, timedelta(0))))
    assert (taken, moved) == ([NOW + PACE], [])


@given(
    st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=8), min_size=1, max_size=6),
    st.integers(0, 1000),
)
def test_however_it_is_made_up_turns_are_a_pace_apart_and_in_order(looks, wait_ms):
    """Each look adds firings, some time after the one before."""
    now, there = NOW, list[Waiting]()
    for look in looks:
        due_at = [NOW - n * MINUTE for n in look]
        taken, moved = turns([("a", at) for at in due_at], now=now, waiting=there)
        after = {one.id: one for one in moved}
        there = [after.get(one.id, one) for one in there] + [
            Waiting(UUID(int=len(there) + n), "a", at, turn)
            for n, (at, turn) in enumerate(zip(due_at, taken, strict=True))
        ]
        in_turn = sorted(there, key=lambda one: one.turn)
        assert all(b.turn - a.turn >= PACE for a, b in pairwise(in_turn))
        still = [one.scheduled_for for one in in_turn if one.turn > now]
        assert still == sorted(still)
        now += timedelta(milliseconds=wait_ms)


def test_only_what_is_later_than_the_grace_is_made_up():
    assert not is_made_up(NOW - GRACE, NOW, GRACE)
    assert is_made_up(NOW - GRACE - timedelta(microseconds=1), NOW, GRACE)
    assert is_made_up(NOW - timedelta(microseconds=1), NOW, timedelta(0))
