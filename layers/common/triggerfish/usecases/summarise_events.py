"""Summarise a project's event logs from the statistics, without reading the logs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.event_summary import EventSummary, StatusCount, summarise, summary_start
from triggerfish.domain.retention import RetentionPolicy
from triggerfish.ports import Clock


class StatusCounts(Protocol):
    async def status_counts(
        self, project_id: UUID, *, since: datetime, now: datetime
    ) -> list[StatusCount]:
        """Events fired in [since, now], by trigger and status; `since` is a whole minute."""
        ...


@dataclass(frozen=True, slots=True)
class SummariseEventsDeps:
    clock: Clock
    store: StatusCounts
    retention: RetentionPolicy


async def summarise_events(hours: int, caller: Principal, d: SummariseEventsDeps) -> EventSummary:
    """How many events of the last `hours` (1 to 48) are in which status, by trigger."""
    now = d.clock.now()
    since = summary_start(now, hours, d.retention)
    counts = await d.store.status_counts(caller.project_id, since=since, now=now)
    return summarise(counts, since=since, until=now)
