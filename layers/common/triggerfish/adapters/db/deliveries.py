"""Deliveries: an event's row is leased, settled and, when it was forgotten, taken up again.

An open retry may outlive the move to the archive, so claims and outcomes look in the active table
first and in the archive for the rest.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cachetools import LRUCache
from sqlalchemy import Row, TextClause, text

from triggerfish.adapters.db.delivery_stats import COUNT_OUTCOMES
from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import ACTIVE, ARCHIVE, event_ref
from triggerfish.adapters.db.values import to_json, uuid_array
from triggerfish.domain.delivery import ClaimedEvent, EventRef, Outcome

# A lease outlives the endpoint's time limit by this much: a live worker always answers before.
LEASE_MARGIN_SECONDS = 10

# Due this long and never enqueued: whoever wrote the row died before it could send the message.
UNSENT_GRACE = timedelta(seconds=2)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# Enqueued this long ago and still waiting: the message was lost, or its endpoint is busy.
RESEND_AFTER = timedelta(seconds=60)

CLAIMED_COLUMNS = """
    e.id, e.project_id, e.trigger_id, e.revision_id, e.endpoint_key, e.scheduled_for, e.payload,
    e.attempt
"""

NO_CLAIM = """
    NULL AS project_id, NULL AS trigger_id, NULL AS revision_id, NULL AS endpoint_key,
    NULL AS scheduled_for, NULL AS payload, NULL AS attempt, NULL AS waits_since
"""

# An expired lease means that the worker died in the attempt: the same attempt is made again.
LEASE = f"""
    SET status = 'delivering',
        attempt = e.attempt + CAST(e.status = 'pending' AS int),
        enqueued_at = NULL,
        lease_until = :now + make_interval(
            secs => CAST(r.endpoint ->> 'timeout_seconds' AS float8) + {LEASE_MARGIN_SECONDS}),
        next_attempt_at = :now + make_interval(
            secs => CAST(r.endpoint ->> 'timeout_seconds' AS float8) + {LEASE_MARGIN_SECONDS})
"""


def _claim(table: str) -> TextClause:
    return text(f"""
        WITH free AS (
            SELECT id FROM {table}
             WHERE id = ANY(CAST(:ids AS uuid[]))
               AND ((status = 'pending' AND next_attempt_at <= :now)
                 OR (status = 'delivering' AND lease_until < :now))
             ORDER BY id
               FOR UPDATE)  -- waits for who marks or moves the row: skipped, it would wait 60 s
        UPDATE {table} e {LEASE}
          FROM free, trigger_revisions r
         WHERE e.id = free.id AND r.id = e.revision_id
        RETURNING {CLAIMED_COLUMNS}
    """)


def _settle(table: str) -> TextClause:
    """Write outcomes, count them, and lease the next waiting events of endpoints, all at once.

    A waiting row is pending and a settled one was delivering, so the two updates never meet.
    """
    return text(f"""
        WITH o AS (
            SELECT * FROM json_to_recordset(CAST(:outcomes AS json))
                AS o (id uuid, attempt int, status text, retry_at timestamptz,
                      ended_at timestamptz, entry jsonb, status_code int, error text,
                      duration_ms bigint, lateness_ms bigint)),
        done AS (
            UPDATE {table} e
               SET status = o.status,
                   next_attempt_at = o.retry_at,
                   lease_until = NULL,
                   attempts = e.attempts || o.entry,
                   last_status_code = o.status_code,
                   last_error = o.error,
                   completed_at = CASE WHEN o.retry_at IS NULL THEN o.ended_at END
              FROM o
             WHERE e.id = ANY(CAST(:ids AS uuid[]))  -- by primary key, however many are open
               AND e.id = o.id AND e.status = 'delivering' AND e.attempt = o.attempt
            RETURNING e.id, e.project_id, e.trigger_id, e.source, e.fired_at, o.status,
                      o.duration_ms, o.lateness_ms),
        {COUNT_OUTCOMES},
        free AS (
            SELECT w.id, w.next_attempt_at
              FROM json_to_recordset(CAST(:pulls AS json))
                AS s (endpoint_key text, since timestamptz, slots int)
             CROSS JOIN LATERAL (
                SELECT id, next_attempt_at FROM {table}
                 WHERE endpoint_key = s.endpoint_key AND status = 'pending'
                   AND next_attempt_at BETWEEN s.since AND :now
                 ORDER BY next_attempt_at
                 LIMIT s.slots
                   FOR UPDATE SKIP LOCKED) w),
        pulled AS (
            UPDATE {table} e {LEASE}
              FROM free, trigger_revisions r
             WHERE e.id = free.id AND r.id = e.revision_id
            RETURNING {CLAIMED_COLUMNS}, free.next_attempt_at AS waits_since)
        SELECT true AS is_done, id, {NO_CLAIM} FROM done
         UNION ALL
        SELECT false, id, project_id, trigger_id, revision_id, endpoint_key, scheduled_for,
               payload, attempt, waits_since
          FROM pulled
    """)


def _overdue(table: str) -> TextClause:
    return text(f"""
        SELECT id, trigger_id, source, scheduled_for, endpoint_key, next_attempt_at
          FROM {table}
         WHERE status IN ('pending', 'delivering') AND next_attempt_at <= :until
           AND ((status = 'pending' AND enqueued_at IS NULL
                 AND (attempt > 0 OR source = 'manual-test' OR next_attempt_at <= :unsent_before))
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
         WHERE id = ANY(CAST(:ids AS uuid[])) AND status IN ('pending', 'delivering')
           AND next_attempt_at <= :until  -- not a later retry that overtook this mark
    """)


CLAIM = {table: _claim(table) for table in (ACTIVE, ARCHIVE)}
SETTLE = {table: _settle(table) for table in (ACTIVE, ARCHIVE)}
OVERDUE = {table: _overdue(table) for table in (ACTIVE, ARCHIVE)}
MARK_RESENT = {table: _mark_resent(table) for table in (ACTIVE, ARCHIVE)}


class Deliveries:
    """What a worker may do to the rows of event logs, each a batch in one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Per endpoint, how far its backlog has been pulled: index entries of rows that are done
        # stay until the next vacuum, and this saves every pull from walking over all of them.
        self._pulled_until: LRUCache[str, datetime] = LRUCache(10_000)

    async def claim(self, event_ids: Sequence[UUID], *, now: datetime) -> list[ClaimedEvent | None]:
        """Lease events that are due and free; None for one that is gone, final, early or leased."""
        claimed = await self._claim_in(ACTIVE, event_ids, now)
        missing = [id for id in event_ids if id not in claimed]
        if missing:
            claimed |= await self._claim_in(ARCHIVE, missing, now)
        # Popped, so that an id which is asked for twice is leased once.
        return [claimed.pop(id, None) for id in event_ids]

    async def settle(
        self, outcomes: Sequence[Outcome], pulls: Sequence[str], *, now: datetime
    ) -> tuple[set[UUID], list[ClaimedEvent]]:
        """Write outcomes, and lease the oldest waiting event for each endpoint key in `pulls`.

        Returns the ids whose outcome was written (not: lost to another worker's lease) and the
        leased events, in no order.
        """
        done, leased = await self._settle_in(ACTIVE, outcomes, pulls, now)
        missing = [outcome for outcome in outcomes if outcome.event.id not in done]
        if missing:
            done |= (await self._settle_in(ARCHIVE, missing, [], now))[0]
        leased += await self._look_again(pulls, leased, now)
        return done, leased

    async def _look_again(
        self, pulls: Sequence[str], leased: Sequence[ClaimedEvent], now: datetime
    ) -> list[ClaimedEvent]:
        """Pull from the very beginning where nothing was found from the remembered point on."""
        found = {event.endpoint_key for event in leased}
        empty = [key for key in pulls if key not in found and key in self._pulled_until]
        for key in set(empty):
            del self._pulled_until[key]
        return (await self._settle_in(ACTIVE, [], empty, now))[1] if empty else []

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

    async def _claim_in(
        self, table: str, event_ids: Sequence[UUID], now: datetime
    ) -> dict[UUID, ClaimedEvent]:
        rows = await self._database.run(CLAIM[table], ids=uuid_array(event_ids), now=now)
        return {row.id: _claimed(row) for row in rows}

    async def _settle_in(
        self, table: str, outcomes: Sequence[Outcome], pulls: Sequence[str], now: datetime
    ) -> tuple[set[UUID], list[ClaimedEvent]]:
        rows = await self._database.run(
            SETTLE[table],
            ids=uuid_array(outcome.event.id for outcome in outcomes),
            outcomes=to_json([_outcome_row(outcome) for outcome in outcomes]),
            pulls=to_json([self._pull_row(key, pulls.count(key)) for key in sorted(set(pulls))]),
            now=now,
        )
        leased = [row for row in rows if not row.is_done]
        for row in leased:
            self._pulled_until[row.endpoint_key] = row.waits_since
        return {row.id for row in rows if row.is_done}, [_claimed(row) for row in leased]

    def _pull_row(self, endpoint_key: str, slots: int) -> dict[str, Any]:
        since = self._pulled_until.get(endpoint_key, LONG_AGO)
        return {"endpoint_key": endpoint_key, "since": since, "slots": slots}


def _claimed(row: Row[Any]) -> ClaimedEvent:
    return ClaimedEvent(
        row.id,
        row.project_id,
        row.trigger_id,
        row.revision_id,
        row.endpoint_key,
        row.scheduled_for,
        row.payload,
        row.attempt,
    )


def _outcome_row(outcome: Outcome) -> dict[str, Any]:
    attempt = outcome.attempt
    return {
        "id": outcome.event.id,
        "attempt": attempt.number,
        "status": outcome.status.value,
        "retry_at": outcome.retry_at,
        "ended_at": outcome.ended_at,
        "entry": attempt.to_json(),
        "status_code": attempt.status_code,
        "error": attempt.error,
        "duration_ms": round(attempt.duration.total_seconds() * 1000),
        "lateness_ms": outcome.lateness_ms,
    }
