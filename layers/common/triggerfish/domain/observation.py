"""What the platform says of itself: components that are up or down, and why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from triggerfish.domain.event_log import Source
from triggerfish.domain.retention import View

# Upper bounds of the histogram buckets; each bucket counts what is at most its bound.
DURATION_BOUNDS_MS = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000)
LATENESS_BOUNDS_MS = (10, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000, 300000)

OPEN_STATUSES = ("pending", "delivering", "held")
FINAL_STATUSES = ("success", "failure")
OUTCOMES = ("success", "retry", "failure")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last run of a background function, and what all its runs came to."""

    last_run_at: datetime
    duration_ms: int
    counts: dict[str, int]
    totals: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenCount:
    """Events that are not final, of one status (pending, delivering, held), source and state."""

    status: str
    source: str
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """Events that are not final; `oldest_due_at` is the longest overdue, None when none is."""

    open: tuple[OpenCount, ...]
    oldest_due_at: datetime | None

    def by_status_and_source(self) -> dict[tuple[str, ...], int]:
        counts: dict[tuple[str, ...], int] = {
            (status, source.value): 0 for status in OPEN_STATUSES for source in Source
        }
        for one in self.open:
            counts[one.status, one.source] += one.count
        return counts

    def by_status(self) -> dict[str, int]:
        counts = dict.fromkeys(OPEN_STATUSES, 0)
        for one in self.open:
            counts[one.status] += one.count
        return counts


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Messages of one queue, as SQS counts them (approximately)."""

    waiting: int
    in_flight: int
    delayed: int
    dead: int
    """In the dead-letter queue beside it."""


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
class FinishedCount:
    """Events that became final since the beginning, and those of them still active or archived.

    States go by whole minutes of firing, as the statistics do.
    """

    source: str
    status: str
    total: int
    active: int
    archived: int


def finished_by_status(counts: list[FinishedCount]) -> dict[tuple[str, ...], int]:
    """How many events became final, by (status, source); all pairs, zero or not."""
    totals: dict[tuple[str, ...], int] = {
        (status, source.value): 0 for status in FINAL_STATUSES for source in Source
    }
    return totals | {(one.status, one.source): one.total for one in counts}


def events_by_state(finished: list[FinishedCount], backlog: Backlog) -> dict[tuple[str, ...], int]:
    """How many events are kept, by (state, source), final or not; all pairs, zero or not."""
    counts: Counter[tuple[str, ...]] = Counter(
        {(view.value, source.value): 0 for view in View for source in Source}
    )
    for one in finished:
        counts[View.ACTIVE, one.source] += one.active
        counts[View.ARCHIVED, one.source] += one.archived
    for each in backlog.open:
        counts[each.state, each.source] += each.count
    return dict(counts)


def attempts_by_outcome(outcomes: list[OutcomeTotals]) -> dict[str, int]:
    """How many attempts were made, by outcome; every outcome, zero or not."""
    return dict.fromkeys(OUTCOMES, 0) | {one.outcome: one.count for one in outcomes}


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the platform; `reason` says in words why it is up or down."""

    name: str
    up: bool
    reason: str


def judge_database(cannot_write: str | None) -> Component:
    """Of a database that answers: up unless it cannot write, or soon cannot."""
    return Component("database", cannot_write is None, cannot_write or "answers")


def judge_queue(depths: Mapping[str, QueueDepth]) -> Component:
    """Up since it answered. Dead letters are said, but it is not the queue that failed."""
    waiting = sum(depth.waiting for depth in depths.values())
    in_flight = sum(depth.in_flight for depth in depths.values())
    said = [f"{waiting} waiting, {in_flight} in flight"]
    for name, depth in depths.items():
        if depth.dead:
            letters = f"{depth.dead} dead letter{'' if depth.dead == 1 else 's'}"
            said.append(f"{letters} (triggerfish dlq list --queue {name})")
    return Component("queue", True, ", ".join(said))


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
