"""Held events: what fired while its trigger was disabled, let go when somebody says so."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import ACTIVE, ARCHIVE, event_ref
from triggerfish.domain.delivery import EventRef


# They have not been attempted yet, so they go where their trigger delivers to now: who repairs an
# endpoint may give it another URL.
def _release(table: str) -> TextClause:
    return text(f"""
        WITH held AS (
            SELECT id, fired_at FROM {table}
             WHERE trigger_id = :trigger_id AND status = 'held' AND fired_at > :fired_after
             ORDER BY fired_at, id
             LIMIT :limit
               FOR UPDATE SKIP LOCKED)
        UPDATE {table} e
           SET status = 'pending', next_attempt_at = :now, enqueued_at = :now,
               released_at = :now, revision_id = r.id, endpoint_key = r.endpoint_key
          FROM held, triggers t JOIN trigger_revisions r ON r.id = t.revision_id
         WHERE e.id = held.id AND e.fired_at = held.fired_at
           AND t.id = :trigger_id AND t.project_id = :project_id AND t.status <> 'disabled'
        RETURNING e.id, e.endpoint_key, e.next_attempt_at
    """)


RELEASE = {table: _release(table) for table in (ACTIVE, ARCHIVE)}


class HeldEvents:
    """Releases in batches; concurrent callers skip each other's events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def release(
        self,
        project_id: UUID,
        trigger_id: UUID,
        *,
        fired_after: datetime,
        now: datetime,
        limit: int,
    ) -> list[EventRef]:
        """Make up to `limit` held events pending, the oldest first; none of a disabled trigger."""
        values = {
            "project_id": project_id,
            "trigger_id": trigger_id,
            "fired_after": fired_after,
            "now": now,
        }
        rows = await self._database.run(RELEASE[ARCHIVE], limit=limit, **values)
        if len(rows) < limit:
            rows += await self._database.run(RELEASE[ACTIVE], limit=limit - len(rows), **values)
        return [event_ref(row) for row in rows]
