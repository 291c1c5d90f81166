"""Operational events: written by the statement that disables a trigger, see `endpoint_health`."""

from uuid import UUID

from sqlalchemy import text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.values import keyset
from triggerfish.domain.operational_event import OperationalEvent
from triggerfish.domain.page import Place

LIST = text("""
    SELECT o.trigger_id, t.name AS trigger_name, o.at, o.reason, o.failing_since
      FROM operational_events o LEFT JOIN triggers t ON t.id = o.trigger_id
     WHERE o.project_id = :project_id
       AND (CAST(:trigger_id AS uuid) IS NULL OR o.trigger_id = :trigger_id)
       AND (CAST(:before_at AS timestamptz) IS NULL
            OR (o.at, o.trigger_id) < (:before_at, CAST(:before_id AS uuid)))
     ORDER BY o.at DESC, o.trigger_id DESC
     LIMIT :limit
""")


class OperationalEvents:
    """Reads of `operational_events`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, project_id: UUID, *, trigger_id: UUID | None, before: Place | None, limit: int
    ) -> list[OperationalEvent]:
        """Newest first, strictly older than `before` (a time and trigger id)."""
        rows = await self._database.run(
            LIST, project_id=project_id, trigger_id=trigger_id, **keyset(before, limit)
        )
        return [OperationalEvent(**row._mapping) for row in rows]
