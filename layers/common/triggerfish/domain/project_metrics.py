"""What a project's callers may know of its deliveries: counts, and how long things took."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from triggerfish.domain.histogram import Histogram
from triggerfish.domain.observation import Backlog, FinishedCount, Heartbeat, QueueDepth

MAX_TRIGGERS = 1000  # in one answer; the busiest come first


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Attempts for the events of a window: by outcome, their duration and lateness."""

    attempts: dict[str, int]
    duration: Histogram
    lateness: Histogram


@dataclass(frozen=True, slots=True)
class TriggerDeliveries:
    """One trigger's; None for unsaved test runs, without a name when it has been deleted."""

    trigger_id: UUID | None
    trigger_name: str | None
    deliveries: Deliveries


@dataclass(frozen=True, slots=True)
class ProjectCounts:
    """What is counted of a project since its beginning, and what is open now."""

    attempts: dict[str, int]
    finished: list[FinishedCount]
    backlog: Backlog
    triggers: dict[str, int]
    skipped: int


@dataclass(frozen=True, slots=True)
class PlatformCounts:
    """What all projects share; None where the queues did not answer."""

    heartbeats: dict[str, Heartbeat]
    rows_past_expiry: int
    queues: dict[str, QueueDepth] | None


@dataclass(frozen=True, slots=True)
class ProjectMetrics:
    """One reading; `deliveries` and `triggers` are of events fired in [since, at]."""

    at: datetime
    since: datetime
    counts: ProjectCounts
    deliveries: Deliveries
    triggers: list[TriggerDeliveries]
    platform: PlatformCounts
