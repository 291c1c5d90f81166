"""Schedules: when they fire."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clock import utc
from triggerfish.domain.schedule import (
    At,
    Cron,
    Every,
    Schedule,
    due,
    jittered,
    next_occurrence,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def seconds(n: float) -> timedelta:
    return timedelta(seconds=n)


def test_an_interval_stays_on_its_grid_however_late_it_is_asked():
    schedule = Schedule(Every(seconds(7), NOW))
    assert next_occurrence(schedule, NOW + seconds(7_000_003.5)) == NOW + seconds(7_000_007)


def test_max_fires_ends_a_schedule():
    schedule = Schedule(Every(seconds(1), NOW), max_fires=3)
    assert next_occurrence(schedule, NOW, fired=2) == NOW + seconds(1)
    assert next_occurrence(schedule, NOW, fired=3) is None
    taken, cursor = due(schedule, NOW, until=NOW + seconds(60), fired=1, limit=100)
    assert (taken, cursor) == ([NOW, NOW + seconds(1)], None)


def test_end_at_is_the_last_moment_that_may_fire():
    schedule = Schedule(Cron("0 * * * *", "UTC"), end_at=NOW + timedelta(hours=1))
    assert next_occurrence(schedule, NOW) == NOW + timedelta(hours=1)
    assert next_occurrence(schedule, NOW + timedelta(hours=1)) is None


def test_nothing_is_due_before_the_cursor():
    schedule = Schedule(Every(seconds(1), NOW))
    assert due(schedule, NOW, until=NOW - seconds(0.001), fired=0, limit=5) == ([], NOW)


def test_a_one_shot_is_due_once():
    assert due(Schedule(At(NOW)), NOW, until=NOW, fired=0, limit=5) == ([NOW], None)


recurring = st.sampled_from(
    [
        Schedule(Every(seconds(1), NOW)),
        Schedule(Every(seconds(61.5), NOW)),
        Schedule(Cron("*/7 * * * *", "America/New_York")),
        Schedule(Cron("30 1,2 * * *", "America/New_York")),
        Schedule(Cron("0 0 * * *", "America/Sao_Paulo"), max_fires=7),
        Schedule(Cron("*/20 1-3 * * *", "Australia/Lord_Howe"), end_at=utc("2026-04-06")),
    ]
)
moments = st.integers(0, 270 * 86_400_000).map(lambda ms: NOW + timedelta(milliseconds=ms))


@settings(max_examples=200, deadline=None)
@given(schedule=recurring, one=moments, other=moments)
def test_the_next_occurrence_is_later_and_grows_with_time(schedule, one, other):
    early, late = sorted((one, other))
    first, second = next_occurrence(schedule, early), next_occurrence(schedule, late)
    assert first is None or first > early
    assert second is None or (first is not None and first <= second)


@settings(max_examples=100, deadline=None)
@given(
    schedule=recurring, start=moments, steps=st.lists(st.integers(1, 20), min_size=1, max_size=8)
)
def test_taking_what_is_due_in_random_chunks_loses_and_doubles_nothing(schedule, start, steps):
    first = next_occurrence(schedule, start)
    if first is None:
        return
    whole, _ = due(schedule, first, until=start + timedelta(days=400), fired=0, limit=sum(steps))
    chunks: list[datetime] = []
    cursor: datetime | None = first
    for limit in steps:
        if cursor is not None:
            until = start + timedelta(days=400)
            taken, cursor = due(schedule, cursor, until=until, fired=len(chunks), limit=limit)
            chunks += taken
    assert chunks == whole
    assert all(a < b for a, b in pairwise(whole))


@given(n=st.integers(0, 10_000), jitter=st.integers(1, 3600), seed=st.text())
def test_jitter_is_whole_milliseconds_within_its_bound_and_repeatable(n, jitter, seed):
    occurrence = NOW + seconds(n)
    delay = jittered(occurrence, jitter, seed) - occurrence
    assert timedelta(0) <= delay < seconds(jitter)
    assert delay % timedelta(milliseconds=1) == timedelta(0)
    assert jittered(occurrence, jitter, seed) - occurrence == delay


def test_jitter_spreads_triggers_over_the_whole_range():
    delays = {(jittered(NOW, 10, f"trigger-{n}") - NOW).total_seconds() // 1 for n in range(500)}
    assert delays == set(range(10))
    assert jittered(NOW, 0, "trigger") == NOW
