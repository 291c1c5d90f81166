"""Health: which component is up, and the words that say why."""

from datetime import UTC, datetime, timedelta

import pytest

from triggerfish.domain.observation import (
    DURATION_BOUNDS_MS,
    LATENESS_BOUNDS_MS,
    Backlog,
    Component,
    Heartbeat,
    OpenCount,
    judge_heartbeat,
    judge_worker,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PATIENCE = timedelta(seconds=15)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def beat(seconds_ago: float) -> Heartbeat:
    return Heartbeat(ago(seconds_ago), 3, {})


@pytest.mark.parametrize(
    ("last", "up", "reason"),
    [
        (None, False, "has not run yet"),
        (beat(0), True, "last run 0.0 s ago"),
        (beat(15), True, "last run 15.0 s ago"),
        (beat(15.6), False, "last run 16 s ago"),
        (beat(86_400), False, "last run 86400 s ago"),
        (beat(-2), True, "last run 0.0 s ago"),  # another host's clock is ahead
    ],
)
def test_a_background_function_is_up_while_it_ran_lately(last, up, reason):
    judged = judge_heartbeat("scheduler", last, now=NOW, patience=PATIENCE)
    assert judged == Component("scheduler", up, reason)


@pytest.mark.parametrize(
    ("oldest_due", "last", "up", "reason"),
    [
        (None, None, True, "nothing to deliver yet"),
        (None, beat(500), True, "last delivery 500 s ago"),
        (ago(15), beat(1), True, "last delivery 1 s ago"),
        (ago(16), beat(1), False, "the oldest due event waits for 16 s"),
        (ago(16), None, False, "the oldest due event waits for 16 s"),
        (ago(-60), None, True, "nothing to deliver yet"),
    ],
)
def test_a_worker_is_down_only_when_due_work_is_left_lying(oldest_due, last, up, reason):
    backlog = Backlog((OpenCount("pending", "api", "active", 1),), oldest_due)
    judged = judge_worker(backlog, last, now=NOW, patience=PATIENCE)
    assert judged == Component("worker", up, reason)


def test_histogram_bounds_ascend():
    for bounds in (DURATION_BOUNDS_MS, LATENESS_BOUNDS_MS):
        assert list(bounds) == sorted(set(bounds))
