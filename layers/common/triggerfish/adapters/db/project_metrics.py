"""A project's metrics, read from the statistics by its own index and never from the logs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from triggerfish.adapters.db.delivery_stats import (
    NO_TRIGGER,
    SUMS,
    finished,
    outcome_totals,
    totals,
)
from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.observations import as_backlog, backlog
from triggerfish.adapters.db.searches import Searches
from triggerfish.domain.histogram import Histogram
from triggerfish.domain.observation import (
    DURATION_BOUNDS_MS,
    LATENESS_BOUNDS_MS,
    OUTCOMES,
    FinishedCount,
    attempts_by_outcome,
)
from triggerfish.domain.project_metrics import (
    MAX_TRIGGERS,
    Deliveries,
    ProjectCounts,
    TriggerDeliveries,
)

PROJECT_TOTALS = totals("project_id = :project_id")
PROJECT_FINISHED = finished("project_id = :project_id")
PROJECT_BACKLOG = backlog("AND project_id = :project_id")

PROJECT_TRIGGERS = text("""
    SELECT status, count(*) AS total, sum(skipped_count) AS skipped
      FROM triggers WHERE project_id = :project_id GROUP BY status
""")

BY_OUTCOME = ", ".join(
    f"coalesce(sum(count) FILTER (WHERE outcome = '{outcome}'), 0) AS {outcome}_count"
    for outcome in OUTCOMES
)

# The row of all triggers together has as many attempts as any, and comes first.
DELIVERIES = text(f"""
    SELECT s.*, nullif(s.trigger_id, '{NO_TRIGGER}') AS id, t.name
      FROM (SELECT grouping(trigger_id) AS is_all, trigger_id, {BY_OUTCOME}, {SUMS}
              FROM delivery_stats
             WHERE project_id = :project_id AND minute >= :since
             GROUP BY GROUPING SETS ((trigger_id), ())
             ORDER BY is_all DESC, total DESC, trigger_id
             LIMIT {MAX_TRIGGERS + 1}) s
      LEFT JOIN triggers t ON t.id = s.trigger_id
     ORDER BY s.is_all DESC, s.total DESC, s.trigger_id
""")


class ProjectMetricsRows:
    """Reads of one project; its size and its window set the cost, not other projects."""

    def __init__(self, database: Database, searches: Searches) -> None:
        self._database = database
        self._searches = searches

    async def counts(
        self, project_id: UUID, *, active_from: datetime, kept_from: datetime, now: datetime
    ) -> ProjectCounts:
        """Totals since the beginning, and what is open at `now`."""
        run = self._database.run
        outcomes = await run(PROJECT_TOTALS, project_id=project_id)
        final = await run(
            PROJECT_FINISHED, project_id=project_id, active_from=active_from, kept_from=kept_from
        )
        open_events = await run(
            PROJECT_BACKLOG, project_id=project_id, active_from=active_from, now=now
        )
        triggers = await run(PROJECT_TRIGGERS, project_id=project_id)
        return ProjectCounts(
            attempts_by_outcome([outcome_totals(row) for row in outcomes]),
            [FinishedCount(**row._mapping) for row in final],
            as_backlog(open_events),
            {row.status: row.total for row in triggers},
            int(sum(row.skipped for row in triggers)),
        )

    async def deliveries(
        self, project_id: UUID, *, since: datetime
    ) -> tuple[Deliveries, list[TriggerDeliveries]]:
        """Of events fired since a whole minute: all together, and by trigger, busiest first."""
        values = {"project_id": project_id, "since": since}
        of_all, *rows = await self._searches.run(project_id, DELIVERIES, **values)
        return _deliveries(of_all), [
            TriggerDeliveries(row.id, row.name, _deliveries(row)) for row in rows
        ]


def _deliveries(row: Row[Any]) -> Deliveries:
    return Deliveries(
        {outcome: int(row._mapping[f"{outcome}_count"]) for outcome in OUTCOMES},
        Histogram(DURATION_BOUNDS_MS, row.duration_buckets, int(row.total)),
        Histogram(LATENESS_BOUNDS_MS, row.lateness_buckets, int(row.lateness_count)),
    )
