"""Read the metrics of the caller's project, with quantiles for each trigger."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.event_summary import summary_start
from triggerfish.domain.project_metrics import (
    Deliveries,
    PlatformCounts,
    ProjectCounts,
    ProjectMetrics,
    TriggerDeliveries,
)
from triggerfish.usecases.observe import ObserveDeps, unless_away


class ProjectMetricsStore(Protocol):
    async def counts(
        self, project_id: UUID, *, active_from: datetime, kept_from: datetime, now: datetime
    ) -> ProjectCounts: ...

    async def deliveries(
        self, project_id: UUID, *, since: datetime
    ) -> tuple[Deliveries, list[TriggerDeliveries]]:
        """Of events fired since a whole minute: all together, and by trigger."""
        ...


@dataclass(frozen=True, slots=True)
class ProjectMetricsDeps:
    store: ProjectMetricsStore
    platform: ObserveDeps


async def read_project_metrics(
    hours: int, caller: Principal, d: ProjectMetricsDeps
) -> ProjectMetrics:
    """Counts since the beginning; quantiles of the last `hours` (1 to 48), in all and by trigger.

    Raises TryLater when the database is away.
    """
    policy, now = d.platform.retention, d.platform.clock.now()
    since = summary_start(now, hours, policy)
    counts = await d.store.counts(
        caller.project_id,
        active_from=policy.active_from(now),
        kept_from=policy.kept_from(now),
        now=now,
    )
    deliveries, triggers = await d.store.deliveries(caller.project_id, since=since)
    platform = await _platform(d.platform, now)
    return ProjectMetrics(now, since, counts, deliveries, triggers, platform)


async def _platform(d: ObserveDeps, now: datetime) -> PlatformCounts:
    return PlatformCounts(
        heartbeats=await d.store.heartbeats(),
        rows_past_expiry=await d.store.count_expired(fired_until=d.retention.kept_from(now)),
        queues=await unless_away(d.queues.read()),
    )
