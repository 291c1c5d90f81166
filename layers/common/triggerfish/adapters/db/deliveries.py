"""Deliveries: due events of an endpoint are leased, and what became of them is written.

An open retry may outlive the move to the archive. Archived events are few and are claimed by id,
live ones by endpoint; outcomes are written to whichever table holds the event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text

from triggerfish.adapters.db.delivery_stats import COUNT_OUTCOMES
from triggerfish.adapters.db.endpoint_health import DISABLED_NOW, NOTE_HEALTH
from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import ACTIVE, ARCHIVE
from triggerfish.adapters.db.outcome_rows import RETURNED, outcome_row
from triggerfish.adapters.db.values import to_json, uuid_array
from triggerfish.adapters.db.withdrawn_events import LOGGED, LOGGED_ELSEWHERE
from triggerfish.domain.delivery import Claim, Claimed, ClaimedEvent, Ending, Logged

# A lease outlives the endpoint's time limit by this much: a live worker always answers before.
LEASE_MARGIN_SECONDS = 10

# A disabled trigger's events are held, except those already being retried and what a person asked
# for, a test or a replay.
CLAIMED_COLUMNS = """
    e.id, e.project_id, e.trigger_id, e.revision_id, e.endpoint_key, e.scheduled_for, e.payload,
    e.attempt, e.fired_at, e.released_at, e.hops,
    (e.attempt = 1 AND e.source IN ('api', 'scheduled')
     AND EXISTS (SELECT FROM triggers t WHERE t.id = e.trigger_id AND t.status = 'disabled'))
        AS is_to_hold
"""

NO_EVENT = ", ".join(["NULL"] * 11)  # the columns of an event, where a row is about something else

LEASE = f"""
    SET status = 'delivering',
        attempt = e.attempt + 1,
        leased_by = :worker,
        lease_until = :now + make_interval(
            secs => CAST(r.endpoint ->> 'timeout_seconds' AS float8) + {LEASE_MARGIN_SECONDS}),
        next_attempt_at = :now + make_interval(
            secs => CAST(r.endpoint ->> 'timeout_seconds' AS float8) + {LEASE_MARGIN_SECONDS})
"""

# Rows that others hold are skipped, since waiting for them would make every endpoint of the batch
# wait. `has_more` therefore looks a second time, without locks: it is false only if no due event
# is left, held by others or not. A row counts by both columns of its index, so that even without
# statistics the index is read in order.
CLAIM_STEPS = f"""
    asked AS (
        SELECT * FROM json_to_recordset(CAST(:claims AS json))
            AS a (endpoint_key text, since timestamptz, slots int)),
    free AS (
        SELECT w.id, w.next_attempt_at
          FROM asked a
         CROSS JOIN LATERAL (
            SELECT id, next_attempt_at FROM {ACTIVE}
             WHERE (endpoint_key, next_attempt_at) >= (a.endpoint_key, a.since)
               AND (endpoint_key, next_attempt_at) <= (a.endpoint_key, :now)
               AND status = 'pending'
               AND id <> ALL (CAST(:ids AS uuid[]))  -- their outcomes are written by this statement
             ORDER BY endpoint_key, next_attempt_at
             LIMIT a.slots
               FOR UPDATE SKIP LOCKED) w),
    claimed AS (
        UPDATE {ACTIVE} e {LEASE}
          FROM free, trigger_revisions r
         WHERE e.id = free.id AND r.id = e.revision_id
        RETURNING {CLAIMED_COLUMNS}, free.next_attempt_at AS due_at)
"""

# `kind`, `id` and `reason`, then the columns of a claimed event.
CLAIM_ROWS = f"""
    SELECT 'claimed' AS kind, id, endpoint_key AS reason, project_id, trigger_id, revision_id,
           scheduled_for, payload, attempt, fired_at, released_at, due_at, is_to_hold, hops
      FROM claimed
     UNION ALL
    SELECT 'more', NULL, a.endpoint_key, {NO_EVENT}
      FROM asked a
     WHERE (SELECT true FROM {ACTIVE}
             WHERE (endpoint_key, next_attempt_at) >= (a.endpoint_key, a.since)
               AND (endpoint_key, next_attempt_at) <= (a.endpoint_key, :now)
               AND status = 'pending'
               AND id <> ALL (CAST(:ids AS uuid[]))
               AND id <> ALL (ARRAY(SELECT id FROM claimed))
             ORDER BY endpoint_key, next_attempt_at
             LIMIT 1)
"""

CLAIM_ARCHIVED = text(f"""
    WITH free AS (
        SELECT id, fired_at, next_attempt_at FROM {ARCHIVE}
         WHERE id = ANY(CAST(:ids AS uuid[])) AND next_attempt_at <= :now AND lease_until IS NULL
           FOR UPDATE SKIP LOCKED)
    UPDATE {ARCHIVE} e {LEASE}
      FROM free, trigger_revisions r
     WHERE e.id = free.id AND e.fired_at = free.fired_at AND r.id = e.revision_id
    RETURNING {CLAIMED_COLUMNS}, free.next_attempt_at AS due_at
""")


def _outcome_steps(table: str) -> str:
    """Write outcomes and count them. An event whose lease ran out, and that nobody has claimed
    since, still takes its outcome: the attempt was made.

    The statement says `pending` by what goes with it (an attempt to come, no lease; the table
    checks that). Said by the status, it could use the indexes on open events, which the planner
    takes for empty: its statistics are those of a quiet hour.
    """
    return f"""
        o AS (
            SELECT * FROM json_to_recordset(CAST(:outcomes AS json))
                AS o (id uuid, attempt int, status text, retry_at timestamptz,
                      enqueued_at timestamptz, ended_at timestamptz, entry jsonb, status_code int,
                      error text, duration_ms bigint, lateness_ms bigint, is_gone bool,
                      trigger_id uuid)),
        {DISABLED_NOW},
        done AS (
            UPDATE {table} e
               SET status = CASE o.status WHEN '{RETURNED}' THEN 'pending' ELSE o.status END,
                   next_attempt_at = o.retry_at,
                   enqueued_at = CASE WHEN o.retry_at IS NULL THEN e.enqueued_at
                                      ELSE o.enqueued_at END,
                   lease_until = NULL,
                   leased_by = NULL,
                   attempt = o.attempt - CAST(o.entry IS NULL AS int),
                   attempts = e.attempts || coalesce(o.entry, '[]'),
                   last_status_code = CASE WHEN o.entry IS NULL THEN e.last_status_code
                                           ELSE o.status_code END,
                   last_error = CASE WHEN o.entry IS NULL THEN e.last_error ELSE o.error END,
                   completed_at = CASE WHEN o.retry_at IS NULL THEN o.ended_at END  -- none if held
              FROM o
             WHERE e.id = ANY(CAST(:ids AS uuid[]))  -- by primary key, however many are open
               AND e.id = o.id AND e.next_attempt_at IS NOT NULL
               AND e.attempt + CAST(e.lease_until IS NULL AS int) = o.attempt
               AND (o.status <> 'held' OR e.trigger_id IN (SELECT id FROM disabled_now))
            RETURNING e.id, e.project_id, e.trigger_id, e.revision_id, e.source, e.fired_at,
                      o.status, o.duration_ms, o.lateness_ms, o.is_gone),
        {COUNT_OUTCOMES},
        {NOTE_HEALTH}
    """


OUTCOME_ROWS = f"""
    SELECT 'done' AS kind, id, NULL AS reason, {NO_EVENT} FROM done
     UNION ALL
    SELECT 'disabled', id, disabled_reason, {NO_EVENT} FROM noted WHERE is_disabled
"""

CLAIM_ONLY = text(f"WITH {CLAIM_STEPS} {CLAIM_ROWS}")
SETTLE = {
    table: text(f"WITH {_outcome_steps(table)} {OUTCOME_ROWS}") for table in (ACTIVE, ARCHIVE)
}
SETTLE_AND_CLAIM = text(
    f"WITH {_outcome_steps(ACTIVE)}, {CLAIM_STEPS} {CLAIM_ROWS} UNION ALL {OUTCOME_ROWS}"
)


def _give_back(table: str, condition: str) -> TextClause:
    """End leases: the attempt may or may not have been made, so it is made again."""
    return text(f"""
        WITH lapsed AS (
            SELECT id FROM {table}
             WHERE status = 'delivering' AND {condition}
               FOR UPDATE SKIP LOCKED)
        UPDATE {table} e
           SET status = 'pending', attempt = e.attempt - 1, lease_until = NULL, leased_by = NULL,
               next_attempt_at = :now, enqueued_at = NULL
          FROM lapsed
         WHERE e.id = lapsed.id
        RETURNING e.id
    """)


# A lease's end stands in `next_attempt_at` too, which the index on open events orders by.
GIVE_BACK_LAPSED = {
    table: _give_back(table, "next_attempt_at < :now") for table in (ACTIVE, ARCHIVE)
}
GIVE_BACK_OWN = {
    table: _give_back(table, "next_attempt_at IS NOT NULL AND leased_by = :worker")
    for table in (ACTIVE, ARCHIVE)
}


@dataclass(frozen=True, slots=True)
class SettledBatch:
    """What writing outcomes came to.

    `done`: ids whose outcome was written (not: another worker has claimed the event since);
    `disabled`: ids of triggers that their outcomes have disabled, and why.
    """

    done: set[UUID]
    disabled: dict[UUID, str]
    claimed: dict[str, Claimed]


class Deliveries:
    """What a worker may do to the rows of event logs, each a batch in one statement.

    `worker` names the one process that holds the leases taken here.
    """

    def __init__(self, database: Database, *, disable_after: timedelta, worker: str) -> None:
        self._database = database
        self._disable_after = disable_after
        self._worker = worker

    async def claim(self, claims: Sequence[Claim], *, now: datetime) -> dict[str, Claimed]:
        """Lease due events of endpoints, the oldest first; what was found by endpoint key."""
        rows = await self._database.run(CLAIM_ONLY, ids="{}", now=now, **self._asked(claims))
        return _claimed_by_endpoint(claims, rows)

    async def claim_archived(
        self, event_ids: Sequence[UUID], *, now: datetime
    ) -> list[ClaimedEvent]:
        """Lease those of the archived events that are due and free."""
        ids = uuid_array(event_ids)
        rows = await self._database.run(CLAIM_ARCHIVED, ids=ids, now=now, worker=self._worker)
        return [_claimed_event(row) for row in rows]

    async def logged(self, event_ids: Sequence[UUID]) -> list[Logged]:
        """Where each event is."""
        rows = await self._database.run(LOGGED, ids=uuid_array(event_ids))
        found = {row.id: Logged.ACTIVE for row in rows}
        if missing := [id for id in event_ids if id not in found]:
            rows = await self._database.run(LOGGED_ELSEWHERE, ids=uuid_array(missing))
            found |= {row.id: Logged(row.place) for row in rows}
        return [found.get(id, Logged.NOWHERE) for id in event_ids]

    async def settle(
        self, endings: Sequence[Ending], claims: Sequence[Claim], *, now: datetime
    ) -> SettledBatch:
        """Write outcomes, and lease further events as `claim` does."""
        settled = await self._settle(
            SETTLE_AND_CLAIM if claims else SETTLE[ACTIVE], endings, claims, now
        )
        if missing := [ending for ending in endings if ending.event.id not in settled.done]:
            archived = await self._settle(SETTLE[ARCHIVE], missing, [], now)
            settled.done.update(archived.done)
            settled.disabled.update(archived.disabled)
        return settled

    async def give_back_lapsed(self, *, now: datetime) -> int:
        """Free events whose lease is over; how many there were."""
        rows = [await self._database.run(one, now=now) for one in GIVE_BACK_LAPSED.values()]
        return sum(map(len, rows))

    async def give_back_own(self, *, now: datetime) -> int:
        """Free events that an earlier process of this worker's name has left leased."""
        values = {"now": now, "worker": self._worker}
        rows = [await self._database.run(one, **values) for one in GIVE_BACK_OWN.values()]
        return sum(map(len, rows))

    async def _settle(
        self,
        statement: TextClause,
        endings: Sequence[Ending],
        claims: Sequence[Claim],
        now: datetime,
    ) -> SettledBatch:
        rows = await self._database.run(
            statement,
            ids=uuid_array(ending.event.id for ending in endings),
            outcomes=to_json([outcome_row(ending) for ending in endings]),
            now=now,
            failing_before=now - self._disable_after,
            **(self._asked(claims) if claims else {}),
        )
        return SettledBatch(
            {row.id for row in rows if row.kind == "done"},
            {row.id: row.reason for row in rows if row.kind == "disabled"},
            _claimed_by_endpoint(claims, rows),
        )

    def _asked(self, claims: Sequence[Claim]) -> dict[str, Any]:
        rows = [
            {"endpoint_key": one.endpoint_key, "since": one.since, "slots": one.slots}
            for one in sorted(claims, key=lambda one: one.endpoint_key)
        ]
        return {"claims": to_json(rows), "worker": self._worker}


def _claimed_by_endpoint(claims: Sequence[Claim], rows: Sequence[Row[Any]]) -> dict[str, Claimed]:
    events: dict[str, list[ClaimedEvent]] = {claim.endpoint_key: [] for claim in claims}
    for row in rows:
        if row.kind == "claimed":
            events[row.reason].append(_claimed_event(row, endpoint_key=row.reason))
    more = {row.reason for row in rows if row.kind == "more"}
    return {
        claim.endpoint_key: Claimed(
            sorted(events[claim.endpoint_key], key=lambda event: event.due_at),
            has_more=claim.endpoint_key in more,
        )
        for claim in claims
    }


def _claimed_event(row: Row[Any], *, endpoint_key: str = "") -> ClaimedEvent:
    return ClaimedEvent(
        row.id,
        row.project_id,
        row.trigger_id,
        row.revision_id,
        endpoint_key or row.endpoint_key,
        row.scheduled_for,
        row.payload,
        row.attempt,
        row.fired_at,
        row.due_at,
        row.released_at,
        row.is_to_hold,
        row.hops,
    )
