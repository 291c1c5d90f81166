"""The event log: what fired, why, and how a reader sees it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from triggerfish.domain.page import Place
from triggerfish.domain.retention import RetentionPolicy


class Source(StrEnum):
    API = "api"
    SCHEDULED = "scheduled"
    MANUAL_TEST = "manual-test"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class AcceptedEvent:
    """A webhook call that passed validation, to be stored before it is answered."""

    id: UUID
    trigger_id: UUID
    revision_id: UUID
    fired_at: datetime
    payload: str
    token_hash: bytes  # of the webhook URL that was called
    hops: int = 0  # triggers that led to the call (domain/hops.py)


@dataclass(frozen=True, slots=True)
class EventLog:
    """One row of the log as the API shows it; `payload` is the exact JSON text."""

    id: UUID
    trigger_id: UUID | None
    trigger_type: str
    source: str
    is_test: bool
    note: str | None
    scheduled_for: datetime
    fired_at: datetime
    payload: str
    status: str
    attempt_count: int
    last_status_code: int | None
    last_error: str | None
    next_attempt_at: datetime | None
    completed_at: datetime | None
    replay_of: UUID | None
    attempts: list[dict[str, Any]]
    released_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventLogFilter:
    """What a reader asks for; None leaves a field open."""

    trigger_id: UUID | None = None
    status: str | None = None
    source: str | None = None
    is_test: bool | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of a project's events to read, newest first, and how many at the most."""

    filter: EventLogFilter
    fired_after: datetime  # exclusive
    fired_until: datetime  # inclusive
    limit: int
    before: Place | None = None  # older than this one, strictly


@dataclass(frozen=True, slots=True)
class SeenEventLog:
    """An event log with its place in the retention at the moment it is looked at."""

    log: EventLog
    state: str
    archives_at: datetime
    expires_at: datetime


def seen(log: EventLog, policy: RetentionPolicy, now: datetime) -> SeenEventLog | None:
    """The log as it is now, None when its time is over, whatever table still holds the row."""
    view = policy.view_of(log.fired_at, now)
    if view is None:
        return None
    return SeenEventLog(
        log, view.value, policy.archives_at(log.fired_at), policy.expires_at(log.fired_at)
    )
