"""Occurrences missed while nobody was looking."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggerfish.domain.catch_up import (
    GRACE,
    PACE,
    Resume,
    Skip,
    catch_up,
    is_made_up,
    resume,
    skip_to,
    turns,
)
from triggerfish.domain.schedule import At, Cron, Every, Schedule, due, next_occurrence

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = Schedule(Every(HOUR, NOW - 10 * HOUR))
LATE = [NOW - n * HOUR for n in range(5, -1, -1)]  # five missed, one due now


@pytest.mark.parametrize(
    ("policy", "fired", "skipped"),
    [("all", LATE[3:], 3), ("latest", LATE[4:], 4), ("none", LATE[5:], 5)],
)
def test_a_policy_decides_which_missed_occurrences_fire(policy, fired, skipped):
    assert catch_up(policy, LATE, now=NOW, window=2 * HOUR) == (fired, skipped)


@pytest.mark.parametrize("policy", ["all", "latest", "none"])
def test_what_is_late_by_less_than_the_grace_always_fires(policy):
    late = [NOW - timedelta(seconds=60), NOW - timedelta(seconds=1)]
    assert catch_up(policy, late, now=NOW, window=timedelta(0)) == (late, 0)
    assert catch_up(policy, [], now=NOW, window=HOUR) == ([], 0)


@pytest.mark.parametrize("policy", ["all", "latest", "none"])
@pytest.mark.parametrize("schedule", [HOURLY, Schedule(Cron("0 * * * *", "UTC"))])
def test_resuming_decides_the_same_without_listing_the_missed(policy, schedule):
    plan = resume(policy, schedule, LATE[0], now=NOW, window=2 * HOUR)
    fired, skipped = catch_up(policy, LATE, now=NOW, window=2 * HOUR)
    assert plan.next_at is not None
    rest, _ = due(schedule, plan.next_at, until=NOW, fired=0, limit=100)
    made_up = [] if plan.make_up is None else [plan.make_up]
    assert (made_up + rest, plan.skipped) == (fired, skipped)


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
    assert resume("latest", once, NOW - HOUR, now=NOW, window=HOUR) == Resume(NOW - HOUR, 0, None)
    assert resume("none", once, NOW - HOUR, now=NOW, window=HOUR) == Resume(None, 1, None)
    assert resume("all", once, NOW - HOUR, now=NOW, window=HOUR) == Resume(None, 0, NOW - HOUR)


def test_skipping_stops_at_the_end_of_the_schedule():
    schedule = Schedule(Every(HOUR, LATE[0]), end_at=LATE[2])
    assert skip_to(schedule, LATE[0], before=NOW) == Skip(3, LATE[2], None)


def test_making_up_counts_towards_max_fires():
    schedule = Schedule(Every(HOUR, LATE[0]), max_fires=3)
    assert resume("latest", schedule, LATE[0], now=NOW, window=HOUR, fired=2) == Resume(
        LATE[4], 4, None
    )
    assert resume("latest", schedule, LATE[0], now=NOW, window=HOUR, fired=1).next_at == NOW


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


def test_what_is_made_up_at_one_endpoint_takes_turns_from_now_on():
    taken = turns(["a", "a", "b", "a"], now=NOW, last={})
    assert taken == [NOW, NOW + PACE, NOW, NOW + 2 * PACE]


@pytest.mark.parametrize(
    ("last", "first"),
    [(5 * PACE, 6 * PACE), (timedelta(0), PACE), (-PACE / 2, PACE / 2), (-HOUR, timedelta(0))],
)
def test_turns_go_on_behind_those_already_taken_but_never_in_the_past(last, first):
    assert turns(["a", "a", "b"], now=NOW, last={"a": NOW + last}) == [
        NOW + first,
        NOW + first + PACE,
        NOW,
    ]


def test_only_what_is_later_than_the_grace_is_made_up():
    assert not is_made_up(NOW - GRACE, NOW)
    assert is_made_up(NOW - GRACE - timedelta(microseconds=1), NOW)
