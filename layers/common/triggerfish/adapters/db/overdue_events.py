"""Open events that no message is about, found by the sweep."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import ACTIVE, ARCHIVE, event_ref
from triggerfish.adapters.db.values import uuid_array
from triggerfish.domain.delivery import EventRef

REF = "id, endpoint_key, next_attempt_at"


# Written without a message, or not taken by the queue: the index on these holds little else.
def _unsent(table: str) -> TextClause:
    return text(f"""
        SELECT {REF} FROM {table}
         WHERE status = 'pending' AND enqueued_at IS NULL AND next_attempt_at <= :until
         ORDER BY next_attempt_at
         LIMIT :limit
    """)


def _mark_sent(table: str) -> TextClause:
    return text(f"""
        UPDATE {table} SET enqueued_at = :now
         WHERE id = ANY(CAST(:ids AS uuid[])) AND enqueued_at IS NULL
           AND next_attempt_at <= :until  -- not a later retry that overtook this mark
    """)


# The oldest events that wait although a message is about them, of whichever endpoints. One
# endpoint's backlog may fill the limit.
def _waiting(table: str) -> TextClause:
    return text(f"""
        SELECT {REF} FROM {table}
         WHERE status = 'pending' AND next_attempt_at <= :due_by AND enqueued_at <= :due_by
         ORDER BY next_attempt_at
         LIMIT :limit
    """)


# For that case: the oldest waiting event of each endpoint, endpoint by endpoint, from `after` on.
# Each step reads one entry of the index on waiting events, however many wait (a loose index scan).
WAITING_BY_ENDPOINT = text(f"""
    WITH RECURSIVE endpoints AS (
        SELECT endpoint_key, 1 AS n FROM (
            SELECT endpoint_key FROM {ACTIVE}
             WHERE status = 'pending' AND endpoint_key > :after
             ORDER BY endpoint_key LIMIT 1) AS first
         UNION ALL
        SELECT following.endpoint_key, endpoints.n + 1
          FROM endpoints
         CROSS JOIN LATERAL (
            SELECT endpoint_key FROM {ACTIVE}
             WHERE status = 'pending' AND endpoint_key > endpoints.endpoint_key
             ORDER BY endpoint_key LIMIT 1) AS following
         WHERE endpoints.n < :limit)
    SELECT oldest.id, endpoints.endpoint_key, oldest.next_attempt_at
      FROM endpoints
      LEFT JOIN LATERAL (
        SELECT id, next_attempt_at FROM {ACTIVE} e
         WHERE e.status = 'pending' AND e.endpoint_key = endpoints.endpoint_key
           AND e.next_attempt_at <= :due_by
         ORDER BY e.endpoint_key, e.next_attempt_at LIMIT 1) AS oldest ON true
""")

UNSENT = {table: _unsent(table) for table in (ACTIVE, ARCHIVE)}
MARK_SENT = {table: _mark_sent(table) for table in (ACTIVE, ARCHIVE)}
WAITING = {table: _waiting(table) for table in (ACTIVE, ARCHIVE)}


class OverdueEvents:
    """What has to be sent, or sent again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._after = ""  # the endpoint key at which the last round over many endpoints ended

    async def unsent(self, *, until: datetime, limit: int) -> list[EventRef]:
        """Events due by `until` that were never enqueued: long retries, and what failed."""
        rows = []
        for statement in UNSENT.values():
            rows += await self._database.run(statement, until=until, limit=limit)
        return [event_ref(row) for row in rows]

    async def mark_sent(self, event_ids: Sequence[UUID], *, now: datetime, until: datetime) -> None:
        """Note that a message is on its way."""
        ids = uuid_array(sorted(event_ids))
        for statement in MARK_SENT.values():
            await self._database.run(statement, ids=ids, now=now, until=until)

    async def waiting(self, *, due_by: datetime, limit: int) -> list[EventRef]:
        """Events due and enqueued since `due_by`: for each endpoint the oldest, and of the archive
        all.

        While more than `limit` events wait, endpoints take turns.
        """
        archived = await self._database.run(WAITING[ARCHIVE], due_by=due_by, limit=limit)
        rows = await self._database.run(WAITING[ACTIVE], due_by=due_by, limit=limit)
        if len(rows) == limit:
            rows = await self._next_endpoints(due_by=due_by, limit=limit)
        oldest = {row.endpoint_key: row for row in reversed(rows)}
        return [event_ref(row) for row in [*oldest.values(), *archived]]

    async def _next_endpoints(self, *, due_by: datetime, limit: int) -> list[Row[Any]]:
        values = {"due_by": due_by, "limit": limit}
        rows = await self._database.run(WAITING_BY_ENDPOINT, after=self._after, **values)
        self._after = rows[-1].endpoint_key if len(rows) == limit else ""
        return [row for row in rows if row.id is not None]
