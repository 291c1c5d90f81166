"""Counts of events by trigger and status: final ones from the statistics, open ones from the logs.

An outcome and its statistics are written by one statement and read here by one: the counts are
those of the rows at that instant.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from triggerfish.adapters.db.delivery_stats import NO_TRIGGER
from triggerfish.adapters.db.event_logs import ACTIVE, ARCHIVE
from triggerfish.adapters.db.searches import Searches
from triggerfish.domain.event_summary import StatusCount

OPEN_IN_WINDOW = """
    SELECT trigger_id, status FROM {table}
     WHERE project_id = :project_id AND status IN ('pending', 'delivering', 'held')
       AND fired_at BETWEEN :since AND :now
"""

STATUS_COUNTS = text(f"""
    WITH counted AS (
        SELECT nullif(trigger_id, '{NO_TRIGGER}') AS trigger_id, outcome AS status,
               CAST(sum(count) AS bigint) AS count
          FROM delivery_stats
         WHERE project_id = :project_id AND minute >= :since AND outcome <> 'retry'
         GROUP BY 1, 2
         UNION ALL
        SELECT trigger_id, status, count(*)
          FROM ({OPEN_IN_WINDOW.format(table=ACTIVE)} UNION ALL
                {OPEN_IN_WINDOW.format(table=ARCHIVE)}) AS open
         GROUP BY 1, 2)
    SELECT c.trigger_id, t.name AS trigger_name, c.status, c.count
      FROM counted c LEFT JOIN triggers t ON t.id = c.trigger_id
""")


class EventSummaries:
    """Reads what a summary needs in one statement."""

    def __init__(self, searches: Searches) -> None:
        self._searches = searches

    async def status_counts(
        self, project_id: UUID, *, since: datetime, now: datetime
    ) -> list[StatusCount]:
        """Events fired in [since, now], by trigger and status; `since` is a whole minute."""
        values = {"project_id": project_id, "since": since, "now": now}
        rows = await self._searches.run(project_id, STATUS_COUNTS, **values)
        return [StatusCount(**row._mapping) for row in rows]
