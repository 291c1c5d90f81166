"""Open events whose message is missing: found by the sweep, in both tables, and sent again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import TextClause, text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import ACTIVE, ARCHIVE, event_ref
from triggerfish.adapters.db.values import uuid_array
from triggerfish.domain.delivery import EventRef

# Due this long and never enqueued: whoever wrote the row died before it could send the message.
UNSENT_GRACE = timedelta(seconds=2)
# Enqueued this long ago and still waiting: the message was lost, or its endpoint is busy.
RESEND_AFTER = timedelta(seconds=60)


def _overdue(table: str) -> TextClause:
    return text(f"""
        SELECT id, trigger_id, source, scheduled_for, endpoint_key, next_attempt_at
          FROM {table}
         WHERE status IN ('pending', 'delivering') AND next_attempt_at <= :until
           AND ((status = 'pending' AND enqueued_at IS NULL
                 AND (attempt > 0 OR source = 'manual-test' OR next_attempt_at > fired_at
                      OR next_attempt_at <= :unsent_before))
             OR (status = 'pending' AND enqueued_at < :resend_before
                 AND next_attempt_at <= :now)
             OR (status = 'delivering' AND lease_until < :now
                 AND (enqueued_at IS NULL OR enqueued_at < :resend_before)))
         ORDER BY next_attempt_at
         LIMIT :limit
    """)


def _mark_resent(table: str) -> TextClause:
    return text(f"""
        UPDATE {table} SET enqueued_at = :now
         WHERE id = ANY(CAST(:ids AS uuid[]))
           AND next_attempt_at <= :until  -- not a later retry that overtook this mark
    """)


OVERDUE = {table: _overdue(table) for table in (ACTIVE, ARCHIVE)}
MARK_RESENT = {table: _mark_resent(table) for table in (ACTIVE, ARCHIVE)}


class OverdueEvents:
    """What is due without a message, and the note that one is on its way."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def overdue(self, *, now: datetime, horizon: timedelta, limit: int) -> list[EventRef]:
        """What is due without a message: long retries, lost messages, dead workers."""
        values = {
            "now": now,
            "until": now + horizon,
            "unsent_before": now - UNSENT_GRACE,
            "resend_before": now - RESEND_AFTER,
            "limit": limit,
        }
        rows = await self._database.run(OVERDUE[ACTIVE], **values)
        rows += await self._database.run(OVERDUE[ARCHIVE], **values)
        return [event_ref(row) for row in rows]

    async def mark_resent(
        self, event_ids: Sequence[UUID], *, now: datetime, horizon: timedelta
    ) -> None:
        """Note that a message is on its way again."""
        ids = uuid_array(sorted(event_ids))
        for statement in MARK_RESENT.values():
            await self._database.run(statement, ids=ids, now=now, until=now + horizon)
