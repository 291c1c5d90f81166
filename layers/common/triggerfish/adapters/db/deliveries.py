"""Deliveries: an event's row is leased, settled and, when it was forgotten, taken up again.

An open retry may outlive the move to the archive, so claims and outcomes look in the active table
first and in the archive for the rest.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import TextClause, text

from triggerfish.adapters.db.delivery_stats import COUNT_OUTCOMES
from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import ACTIVE, ARCHIVE, event_ref
from triggerfish.domain.delivery import ClaimedEvent, EventRef, Outcome

# A lease outlives the endpoint's time limit by this much: a live worker always answers before.
LEASE_MARGIN_SECONDS = 10

# Due this long and never enqueued: whoever wrote the row died before it could send the message.
UNSENT_GRACE = timedelta(seconds=2)
# Enqueued this long ago and still waiting: the message was lost, or its endpoint is busy.
RESEND_AFTER = timedelta(seconds=60)

CLAIMED_COLUMNS = """
    e.id, e.project_id, e.trigger_id, e.revision_id, e.endpoint_key, e.scheduled_for, e.payload,
    e.attempt
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
             WHERE id = ANY(:ids)
               AND ((status = 'pending' AND next_attempt_at <= :now)
                 OR (status = 'delivering' AND lease_until < :now))
             ORDER BY id
               FOR UPDATE SKIP LOCKED)
        UPDATE {table} e {LEASE}
          FROM free, trigger_revisions r
         WHERE e.id = free.id AND r.id = e.revision_id
        RETURNING {CLAIMED_COLUMNS}
    """)


# The oldest waiting events of each endpoint that has free slots, at most as many as it has.
CLAIM_WAITING = text(f"""
    WITH free AS (
        SELECT w.id
          FROM unnest(CAST(:endpoint_keys AS text[]), CAST(:limits AS int[])) AS s (key, slots)
         CROSS JOIN LATERAL (
            SELECT id FROM {ACTIVE}
             WHERE endpoint_key = s.key AND status = 'pending' AND next_attempt_at <= :now
             ORDER BY next_attempt_at
             LIMIT s.slots
               FOR UPDATE SKIP LOCKED) w)
    UPDATE {ACTIVE} e {LEASE}
      FROM free, trigger_revisions r
     WHERE e.id = free.id AND r.id = e.revision_id
    RETURNING {CLAIMED_COLUMNS}
""")


def _record(table: str) -> TextClause:
    return text(f"""
        WITH o AS (
            SELECT *
              FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[]),
                          CAST(:statuses AS text[]), CAST(:retry_at AS timestamptz[]),
                          CAST(:ended_at AS timestamptz[]), CAST(:entries AS text[]),
                          CAST(:status_codes AS int[]), CAST(:errors AS text[]),
                          CAST(:durations_ms AS bigint[]), CAST(:lateness_ms AS bigint[]))
                AS o (id, attempt, status, retry_at, ended_at, entry, status_code, error,
                      duration_ms, lateness_ms)),
        done AS (
            UPDATE {table} e
               SET status = o.status,
                   next_attempt_at = o.retry_at,
                   lease_until = NULL,
                   attempts = e.attempts || CAST(o.entry AS jsonb),
                   last_status_code = o.status_code,
                   last_error = o.error,
                   completed_at = CASE WHEN o.retry_at IS NULL THEN o.ended_at END
              FROM o
             WHERE e.id = o.id AND e.status = 'delivering' AND e.attempt = o.attempt
            RETURNING e.id, e.project_id, e.trigger_id, o.status, o.ended_at, o.duration_ms,
                      o.lateness_ms),
        {COUNT_OUTCOMES}
        SELECT id FROM done
    """)


def _sweep(table: str) -> TextClause:
    return text(f"""
        WITH overdue AS (
            SELECT id FROM {table}
             WHERE status IN ('pending', 'delivering') AND next_attempt_at <= :until
               AND ((status = 'pending' AND enqueued_at IS NULL
                     AND (attempt > 0 OR next_attempt_at <= :unsent_before))
                 OR (status = 'pending' AND enqueued_at < :resend_before
                     AND next_attempt_at <= :now)
                 OR (status = 'delivering' AND lease_until < :now
                     AND (enqueued_at IS NULL OR enqueued_at < :resend_before)))
             ORDER BY next_attempt_at
             LIMIT :limit
               FOR UPDATE SKIP LOCKED)
        UPDATE {table} e SET enqueued_at = :now
          FROM overdue
         WHERE e.id = overdue.id
        RETURNING e.id, e.trigger_id, e.source, e.scheduled_for, e.endpoint_key, e.next_attempt_at
    """)


CLAIM = {table: _claim(table) for table in (ACTIVE, ARCHIVE)}
RECORD = {table: _record(table) for table in (ACTIVE, ARCHIVE)}
SWEEP = {table: _sweep(table) for table in (ACTIVE, ARCHIVE)}


class Deliveries:
    """What a worker may do to the rows of event logs, each a batch in one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, event_ids: Sequence[UUID], *, now: datetime) -> list[ClaimedEvent | None]:
        """Lease events that are due and free; None for one that is gone, final, early or leased."""
        claimed = await self._claim_in(ACTIVE, event_ids, now)
        missing = [id for id in event_ids if id not in claimed]
        if missing:
            claimed |= await self._claim_in(ARCHIVE, missing, now)
        # Popped, so that an id which is asked for twice is leased once.
        return [claimed.pop(id, None) for id in event_ids]

    async def claim_waiting(
        self, endpoint_keys: Sequence[str], *, now: datetime
    ) -> list[ClaimedEvent | None]:
        """Lease the oldest waiting event for each entry; an endpoint may stand there repeatedly."""
        keys = sorted(set(endpoint_keys))
        rows = await self._database.run(
            CLAIM_WAITING,
            endpoint_keys=keys,
            limits=[endpoint_keys.count(key) for key in keys],
            now=now,
        )
        waiting: dict[str, list[ClaimedEvent]] = {}
        for row in rows:
            waiting.setdefault(row.endpoint_key, []).append(ClaimedEvent(**row._mapping))
        return [waiting[key].pop() if waiting.get(key) else None for key in endpoint_keys]

    async def record(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """Write outcomes and count them; False for one whose lease was lost to another worker."""
        recorded = await self._record_in(ACTIVE, outcomes)
        missing = [outcome for outcome in outcomes if outcome.event.id not in recorded]
        if missing:
            recorded |= await self._record_in(ARCHIVE, missing)
        return [outcome.event.id in recorded for outcome in outcomes]

    async def sweep(self, *, now: datetime, horizon: timedelta, limit: int) -> list[EventRef]:
        """Take up what became due without a message: long retries, lost messages, dead workers."""
        values = {
            "now": now,
            "until": now + horizon,
            "unsent_before": now - UNSENT_GRACE,
            "resend_before": now - RESEND_AFTER,
            "limit": limit,
        }
        rows = await self._database.run(SWEEP[ACTIVE], **values)
        rows += await self._database.run(SWEEP[ARCHIVE], **values)
        return [event_ref(row) for row in rows]

    async def _claim_in(
        self, table: str, event_ids: Sequence[UUID], now: datetime
    ) -> dict[UUID, ClaimedEvent]:
        rows = await self._database.run(CLAIM[table], ids=list(event_ids), now=now)
        return {row.id: ClaimedEvent(**row._mapping) for row in rows}

    async def _record_in(self, table: str, outcomes: Sequence[Outcome]) -> set[UUID]:
        rows = await self._database.run(RECORD[table], **_outcome_values(outcomes))
        return {row.id for row in rows}


def _outcome_values(outcomes: Sequence[Outcome]) -> dict[str, list[Any]]:
    ordered = sorted(outcomes, key=lambda outcome: outcome.event.id)
    return {
        "ids": [o.event.id for o in ordered],
        "attempts": [o.attempt.number for o in ordered],
        "statuses": [o.status.value for o in ordered],
        "retry_at": [o.retry_at for o in ordered],
        "ended_at": [o.ended_at for o in ordered],
        "entries": [orjson.dumps(o.attempt.to_json()).decode() for o in ordered],
        "status_codes": [o.attempt.status_code for o in ordered],
        "errors": [o.attempt.error for o in ordered],
        "durations_ms": [round(o.attempt.duration.total_seconds() * 1000) for o in ordered],
        "lateness_ms": [o.lateness_ms for o in ordered],
    }
