"""Deliveries: an event's row is leased and settled.

An open retry may outlive the move to the archive, so claims and outcomes look in the active table
first and in the archive for the rest.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cachetools import LRUCache
from sqlalchemy import Row, TextClause, text

from triggerfish.adapters.db.delivery_stats import COUNT_OUTCOMES
from triggerfish.adapters.db.endpoint_health import DISABLED_NOW, NOTE_HEALTH
from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import ACTIVE, ARCHIVE
from triggerfish.adapters.db.outcome_rows import outcome_row
from triggerfish.adapters.db.values import to_json, uuid_array
from triggerfish.adapters.db.withdrawn_events import KNOWN_ACTIVE, KNOWN_ELSEWHERE
from triggerfish.domain.delivery import ClaimedEvent, Held, Outcome

# A lease outlives the endpoint's time limit by this much: a live worker always answers before.
LEASE_MARGIN_SECONDS = 10

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

# A disabled trigger's events are held, except those already being retried and what a person asked
# for, a test or a replay.
CLAIMED_COLUMNS = """
    e.id, e.project_id, e.trigger_id, e.revision_id, e.endpoint_key, e.scheduled_for, e.payload,
    e.attempt, e.fired_at, e.released_at, e.hops,
    (e.attempt = 1 AND e.source IN ('api', 'scheduled')
     AND EXISTS (SELECT FROM triggers t WHERE t.id = e.trigger_id AND t.status = 'disabled'))
        AS is_to_hold
"""

NO_CLAIM = ", ".join(["NULL"] * 12)  # of what follows it in `leased`

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


# Statements about given ids say `pending` by what goes with it (an attempt to come, no lease; the
# table checks that), and `delivering` by its lease. Said by the status, they could use the indexes
# on open events, which the planner takes for empty: its statistics are those of a quiet hour.


def _claim(table: str) -> TextClause:
    return text(f"""
        WITH free AS (
            SELECT id FROM {table}
             WHERE id = ANY(CAST(:ids AS uuid[]))
               AND ((lease_until IS NULL AND next_attempt_at <= :now) OR lease_until < :now)
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
                      duration_ms bigint, lateness_ms bigint, is_gone bool, trigger_id uuid)),
        {DISABLED_NOW},
        done AS (
            UPDATE {table} e
               SET status = o.status,
                   next_attempt_at = o.retry_at,
                   lease_until = NULL,
                   attempt = e.attempt - CAST(o.status = 'held' AS int),
                   attempts = e.attempts || coalesce(o.entry, '[]'),
                   last_status_code = o.status_code,
                   last_error = o.error,
                   completed_at = CASE WHEN o.retry_at IS NULL THEN o.ended_at END  -- none if held
              FROM o
             WHERE e.id = ANY(CAST(:ids AS uuid[]))  -- by primary key, however many are open
               AND e.id = o.id AND e.lease_until IS NOT NULL AND e.attempt = o.attempt
               AND (o.status <> 'held' OR e.trigger_id IN (SELECT id FROM disabled_now))
            RETURNING e.id, e.project_id, e.trigger_id, e.revision_id, e.source, e.fired_at,
                      o.status, o.duration_ms, o.lateness_ms, o.is_gone),
        {COUNT_OUTCOMES},
        {NOTE_HEALTH},
        free AS (
            SELECT w.id, w.next_attempt_at
              FROM json_to_recordset(CAST(:pulls AS json))
                AS s (endpoint_key text, since timestamptz, slots int)
             CROSS JOIN LATERAL (
                SELECT id, next_attempt_at FROM {table}
                 -- by both columns, so that even without statistics their index is read in order
                 WHERE (endpoint_key, next_attempt_at) >= (s.endpoint_key, s.since)
                   AND (endpoint_key, next_attempt_at) <= (s.endpoint_key, :now)
                   AND status = 'pending'
                 ORDER BY endpoint_key, next_attempt_at
                 LIMIT s.slots
                   FOR UPDATE SKIP LOCKED) w),
        pulled AS (
            UPDATE {table} e {LEASE}
              FROM free, trigger_revisions r
             WHERE e.id = free.id AND r.id = e.revision_id
            RETURNING {CLAIMED_COLUMNS}, free.next_attempt_at AS waits_since)
        SELECT 'leased' AS kind, id, NULL AS reason, project_id, trigger_id, revision_id,
               endpoint_key, scheduled_for, payload, attempt, fired_at, released_at, is_to_hold,
               hops, waits_since
          FROM pulled
         UNION ALL
        SELECT 'done', id, NULL, {NO_CLAIM} FROM done
         UNION ALL
        SELECT 'disabled', id, disabled_reason, {NO_CLAIM} FROM noted WHERE is_disabled
         UNION ALL
        SELECT 'blocked', NULL, s.endpoint_key, {NO_CLAIM}
          FROM json_to_recordset(CAST(:pulls AS json)) AS s (endpoint_key text, since timestamptz)
         WHERE NOT EXISTS (SELECT FROM pulled p WHERE p.endpoint_key = s.endpoint_key)
           AND (SELECT true FROM {table}
                 WHERE (endpoint_key, next_attempt_at) >= (s.endpoint_key, s.since)
                   AND (endpoint_key, next_attempt_at) <= (s.endpoint_key, :now)
                   AND status = 'pending'
                 ORDER BY endpoint_key, next_attempt_at
                 LIMIT 1)
    """)


CLAIM = {table: _claim(table) for table in (ACTIVE, ARCHIVE)}
SETTLE = {table: _settle(table) for table in (ACTIVE, ARCHIVE)}


@dataclass(frozen=True, slots=True)
class SettledBatch:
    """What settling came to.

    `done`: ids whose outcome was written (not: lost to another worker's lease); `leased`: events
    in no order; `disabled`: ids of triggers that their outcomes have disabled, and why; `blocked`:
    endpoint keys of which nothing was leased although events wait, as others hold their rows.
    """

    done: set[UUID]
    leased: list[ClaimedEvent]
    disabled: dict[UUID, str]
    blocked: set[str]


class Deliveries:
    """What a worker may do to the rows of event logs, each a batch in one statement."""

    def __init__(self, database: Database, *, disable_after: timedelta) -> None:
        self._database = database
        self._disable_after = disable_after
        # Per endpoint, how far its active backlog has been pulled: index entries of rows that are
        # done stay until the next vacuum, and this saves every pull from walking over all of them.
        self._pulled_until: LRUCache[str, datetime] = LRUCache(10_000)

    async def claim(self, event_ids: Sequence[UUID], *, now: datetime) -> list[ClaimedEvent | None]:
        """Lease events that are due and free; None for one that is gone, final, early or leased."""
        claimed = await self._claim_in(ACTIVE, event_ids, now)
        missing = [id for id in event_ids if id not in claimed]
        if missing:
            claimed |= await self._claim_in(ARCHIVE, missing, now)
        # Popped, so that an id which is asked for twice is leased once.
        return [claimed.pop(id, None) for id in event_ids]

    async def known(self, event_ids: Sequence[UUID]) -> list[bool]:
        """Whether each event is logged, or was withdrawn before it was due."""
        rows = await self._database.run(KNOWN_ACTIVE, ids=uuid_array(event_ids))
        found = {row.id for row in rows}
        if missing := [id for id in event_ids if id not in found]:
            rows = await self._database.run(KNOWN_ELSEWHERE, ids=uuid_array(missing))
            found |= {row.id for row in rows}
        return [id in found for id in event_ids]

    async def settle(
        self, outcomes: Sequence[Outcome | Held], pulls: Sequence[str], *, now: datetime
    ) -> SettledBatch:
        """Write outcomes, and lease the oldest waiting event for each endpoint key in `pulls`."""
        settled = await self._settle_in(ACTIVE, outcomes, pulls, now)
        missing = [outcome for outcome in outcomes if outcome.event.id not in settled.done]
        if empty := self._forget_where(pulls, settled.leased):
            again = await self._settle_in(ACTIVE, [], empty, now)
            settled.leased.extend(again.leased)
            settled.blocked.update(again.blocked)
        if missing:
            # Where archived events are delivered, archived ones may wait for the slot too.
            keys = {outcome.event.endpoint_key for outcome in missing}
            free = Counter(pulls) - Counter(event.endpoint_key for event in settled.leased)
            left = [key for key in free.elements() if key in keys]
            archived = await self._settle_in(ARCHIVE, missing, left, now)
            settled.done.update(archived.done)
            settled.disabled.update(archived.disabled)
            settled.leased.extend(archived.leased)
            settled.blocked.update(archived.blocked)
        return settled

    def _forget_where(self, pulls: Sequence[str], leased: Sequence[ClaimedEvent]) -> list[str]:
        """Where nothing was found from the remembered point on: to be pulled from the beginning."""
        found = {event.endpoint_key for event in leased}
        empty = [key for key in pulls if key not in found and key in self._pulled_until]
        for key in set(empty):
            del self._pulled_until[key]
        return empty

    async def _claim_in(
        self, table: str, event_ids: Sequence[UUID], now: datetime
    ) -> dict[UUID, ClaimedEvent]:
        rows = await self._database.run(CLAIM[table], ids=uuid_array(event_ids), now=now)
        return {row.id: _claimed(row) for row in rows}

    async def _settle_in(
        self, table: str, outcomes: Sequence[Outcome | Held], pulls: Sequence[str], now: datetime
    ) -> SettledBatch:
        rows = await self._database.run(
            SETTLE[table],
            ids=uuid_array(outcome.event.id for outcome in outcomes),
            outcomes=to_json([outcome_row(outcome) for outcome in outcomes]),
            pulls=to_json(
                [self._pull_row(table, key, slots) for key, slots in sorted(Counter(pulls).items())]
            ),
            now=now,
            failing_before=now - self._disable_after,
        )
        leased = [row for row in rows if row.kind == "leased"]
        if table == ACTIVE:
            self._pulled_until.update({row.endpoint_key: row.waits_since for row in leased})
        return SettledBatch(
            {row.id for row in rows if row.kind == "done"},
            [_claimed(row) for row in leased],
            {row.id: row.reason for row in rows if row.kind == "disabled"},
            {row.reason for row in rows if row.kind == "blocked"},
        )

    def _pull_row(self, table: str, endpoint_key: str, slots: int) -> dict[str, Any]:
        since = self._pulled_until.get(endpoint_key, LONG_AGO) if table == ACTIVE else LONG_AGO
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
        row.fired_at,
        row.released_at,
        row.is_to_hold,
        row.hops,
    )
