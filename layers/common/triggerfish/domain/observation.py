"""What the platform says of itself: components that are up or down, and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# Upper bounds of the histogram buckets; each bucket counts what is at most its bound.
DURATION_BOUNDS_MS = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000)
LATENESS_BOUNDS_MS = (10, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000, 300000)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last run of a background function."""

    last_run_at: datetime
    duration_ms: int
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Backlog:
    """Events that are not final; `oldest_due_at` is the longest overdue, None when none is."""

    pending: int
    delivering: int
    oldest_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Messages of one queue, as SQS counts them (approximately)."""

    waiting: int
    in_flight: int
    delayed: int


@dataclass(frozen=True, slots=True)
class OutcomeTotals:
    """What has been delivered since the beginning, of one outcome; buckets are cumulative."""

    outcome: str
    count: int
    duration_ms: int
    duration_buckets: list[int]
    lateness_count: int
    lateness_ms: int
    lateness_max_ms: int
    lateness_buckets: list[int]


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the platform; `reason` says in words why it is up or down."""

    name: str
    up: bool
    reason: str


def judge_heartbeat(
    name: str, beat: Heartbeat | None, *, now: datetime, patience: timedelta
) -> Component:
    """A background function is up while its last run is no older than `patience`."""
    if beat is None:
        return Component(name, False, "has not run yet")
    age = (now - beat.last_run_at).total_seconds()
    if age > patience.total_seconds():
        return Component(name, False, f"last run {age:.0f} s ago")
    return Component(name, True, f"last run {max(age, 0):.1f} s ago")


def judge_worker(
    backlog: Backlog, beat: Heartbeat | None, *, now: datetime, patience: timedelta
) -> Component:
    """A worker has nothing to show while nothing is due, so only overdue work makes it down."""
    overdue = (now - backlog.oldest_due_at).total_seconds() if backlog.oldest_due_at else 0.0
    if overdue > patience.total_seconds():
        return Component("worker", False, f"the oldest due event waits for {overdue:.0f} s")
    if beat is None:
        return Component("worker", True, "nothing to deliver yet")
    return Component(
        "worker", True, f"last delivery {(now - beat.last_run_at).total_seconds():.0f} s ago"
    )
