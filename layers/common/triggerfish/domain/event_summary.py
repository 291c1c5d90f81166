"""The summary of event logs: how many of each trigger's events are in which status."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from triggerfish.domain.delivery import Status
from triggerfish.domain.retention import RetentionPolicy

MAX_HOURS = 48
MAX_TRIGGERS = 1000  # in one answer; the busiest come first

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StatusCount:
    """Events of one trigger in one status; the trigger is None for unsaved test runs.

    The name is None when the trigger has been deleted.
    """

    trigger_id: UUID | None
    trigger_name: str | None
    status: str
    count: int


@dataclass(frozen=True, slots=True)
class TriggerSummary:
    trigger_id: UUID | None
    trigger_name: str | None
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class EventSummary:
    """Events fired in [since, until]; `counts` is of all triggers, also of those left out."""

    since: datetime
    until: datetime
    counts: dict[str, int]
    triggers: list[TriggerSummary]


def summary_start(now: datetime, hours: int, retention: RetentionPolicy) -> datetime:
    """The first whole minute of the last `hours`: whatever fired since then is still kept.

    Statistics are kept by the minute, so a window can only begin with one.
    """
    earliest = max(now - timedelta(hours=hours), retention.kept_from(now))
    minute = earliest.replace(second=0, microsecond=0)
    return minute if minute == earliest else minute + MINUTE


def summarise(
    counts: Iterable[StatusCount], *, since: datetime, until: datetime, limit: int = MAX_TRIGGERS
) -> EventSummary:
    """Gather counts by trigger, the busiest first; every status is there, zero or not."""
    totals = _zeros()
    triggers: dict[UUID | None, TriggerSummary] = {}
    for one in counts:
        totals[one.status] += one.count
        empty = TriggerSummary(one.trigger_id, one.trigger_name, _zeros())
        triggers.setdefault(one.trigger_id, empty).counts[one.status] += one.count
    busiest = sorted(triggers.values(), key=lambda each: (-each.total, str(each.trigger_id)))
    return EventSummary(since, until, totals, busiest[:limit])


def _zeros() -> dict[str, int]:
    return {status.value: 0 for status in Status}
