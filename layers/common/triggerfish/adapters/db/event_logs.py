"""Event logs: written when an event fires, read by customers. Deliveries are in `deliveries.py`.

An event lives in `event_logs_active`, moves once to `event_logs_archive`, and is then deleted;
retention does that in its own time, so readers filter by exact instants.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.values import no_more_than_a_page, to_json, uuid_array
from triggerfish.adapters.db.webhook_urls import token_holds
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.event_log import AcceptedEvent, EventLog, Selection
from triggerfish.domain.firing import Firing

ACTIVE, ARCHIVE = "event_logs_active", "event_logs_archive"

INSERT_SCHEDULED = text(f"""
    INSERT INTO {ACTIVE}
           (id, project_id, trigger_id, revision_id, trigger_type, source, is_test, scheduled_for,
            fired_at, payload, endpoint_key, status, attempt, next_attempt_at, enqueued_at)
    SELECT n.id, r.project_id, r.trigger_id, r.id, r.type, 'scheduled', false, n.scheduled_for,
           n.fired_at, r.payload, r.endpoint_key, 'pending', 0, coalesce(n.turn, n.scheduled_for),
           CASE WHEN coalesce(n.turn, n.scheduled_for) <= :until THEN :now END
      FROM json_to_recordset(CAST(:events AS json))
        AS n (id uuid, revision_id uuid, scheduled_for timestamptz, fired_at timestamptz,
              turn timestamptz)
      JOIN trigger_revisions r ON r.id = n.revision_id
    ON CONFLICT (trigger_id, scheduled_for) WHERE source = 'scheduled' DO NOTHING
    RETURNING id, endpoint_key, next_attempt_at
""")

# The join makes the caller's cached trigger harmless: nothing is accepted for one that has changed.
INSERT_ACCEPTED = text(f"""
    INSERT INTO {ACTIVE}
           (id, project_id, trigger_id, revision_id, trigger_type, source, is_test, scheduled_for,
            fired_at, payload, endpoint_key, status, attempt, next_attempt_at, enqueued_at, hops)
    SELECT n.id, t.project_id, t.id, t.revision_id, 'api', 'api', false, n.fired_at,
           n.fired_at, n.payload, r.endpoint_key, 'pending', 0, n.fired_at, n.fired_at, n.hops
      FROM json_to_recordset(CAST(:events AS json))
        AS n (id uuid, trigger_id uuid, revision_id uuid, fired_at timestamptz, payload text,
              token_hash text, hops smallint)
      JOIN triggers t ON t.id = n.trigger_id AND t.revision_id = n.revision_id
                     AND t.status IN ('active', 'disabled')
      JOIN trigger_revisions r ON r.id = n.revision_id
     WHERE {token_holds("decode(n.token_hash, 'hex')", "n.fired_at")}
    RETURNING id
""")


# Of an event that is still open: in its other states no message is needed.
def _mark_unsent(table: str) -> TextClause:
    return text(f"""
        UPDATE {table} SET enqueued_at = NULL
         WHERE id = ANY(CAST(:ids AS uuid[])) AND next_attempt_at IS NOT NULL
           AND lease_until IS NULL
    """)


MARK_UNSENT = {table: _mark_unsent(table) for table in (ACTIVE, ARCHIVE)}

LOG_COLUMNS = """
    id, trigger_id, trigger_type, source, is_test, note, scheduled_for, fired_at, payload, status,
    attempt AS attempt_count, last_status_code, last_error,
    CASE WHEN status = 'pending' THEN next_attempt_at END AS next_attempt_at,
    completed_at, replay_of, attempts, released_at
"""

LISTED = ", ".join(field.name for field in fields(EventLog))
ORDER = "ORDER BY fired_at DESC, id DESC"

CONDITIONS = {
    "trigger_id": "trigger_id = :trigger_id",
    "status": "status = :status",
    "source": "source = :source",
    "tests": "is_test",  # as the archive's index of the few tests has it, not as a parameter
    "no_tests": "NOT is_test",
    "before_at": "(fired_at, id) < (:before_at, CAST(:before_id AS uuid))",
}


# Who asked for a test run has its id before it fires; all others are shown from then on.
def _get(table: str) -> TextClause:
    return text(f"""
        SELECT {LOG_COLUMNS} FROM {table}
         WHERE project_id = :project_id AND id = :id
           AND (fired_at <= :now OR source = 'manual-test')
    """)


GET = {table: _get(table) for table in (ACTIVE, ARCHIVE)}

# For operators, who see all projects.
FIND = text(f"""
    SELECT {LOG_COLUMNS} FROM {ACTIVE} WHERE id = ANY(CAST(:ids AS uuid[]))
     UNION ALL
    SELECT {LOG_COLUMNS} FROM {ARCHIVE} WHERE id = ANY(CAST(:ids AS uuid[]))
""")


def narrowed(wanted: Selection) -> tuple[frozenset[str], dict[str, Any]]:
    """The names of the conditions that narrow a list, and the values that it takes."""
    filter = wanted.filter
    before_at, before_id = wanted.before or (None, None)
    given = {
        "trigger_id": filter.trigger_id,
        "status": filter.status,
        "source": filter.source,
        "before_at": before_at,
        "before_id": before_id,
    }
    conditions = {name: value for name, value in given.items() if value is not None}
    tests = {None: set[str](), True: {"tests"}, False: {"no_tests"}}[filter.is_test]
    bounds = {
        "fired_after": wanted.fired_after,
        # So that newer partitions are not even looked at.
        "fired_until": min(wanted.fired_until, before_at or wanted.fired_until),
        "limit": wanted.limit,
    }
    return frozenset(conditions.keys() | tests), bounds | conditions


@lru_cache
def _list(given: frozenset[str]) -> TextClause:
    """The query for just the conditions given, so that one plan fits all its uses.

    A row past its active time may still stand in the active table, so both tables are read.
    """
    conditions = " AND ".join(
        ["project_id = :project_id", "fired_at > :fired_after", "fired_at <= :fired_until"]
        + [condition for name, condition in CONDITIONS.items() if name in given]
    )
    parts = (
        f"(SELECT {LOG_COLUMNS} FROM {table} WHERE {conditions} {ORDER} LIMIT :limit)"
        for table in (ACTIVE, ARCHIVE)
    )
    both = " UNION ALL ".join(parts)
    newest = f"SELECT * FROM ({both}) AS both_tables {ORDER} LIMIT :limit"
    return text(
        no_more_than_a_page(newest, columns=LISTED, size="octet_length(payload)", order=ORDER)
    )


class EventLogs:
    """Reads of both tables, and the events that customers fire."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert_accepted(self, events: Sequence[AcceptedEvent]) -> list[bool]:
        """Store webhook events; False where the trigger is gone, paused, revised or moved."""
        rows = await self._database.run(
            INSERT_ACCEPTED,
            events=to_json(
                [
                    {
                        "id": event.id,
                        "trigger_id": event.trigger_id,
                        "revision_id": event.revision_id,
                        "fired_at": event.fired_at,
                        "payload": event.payload,
                        "token_hash": event.token_hash.hex(),
                        "hops": event.hops,
                    }
                    for event in events
                ]
            ),
        )
        stored = {row.id for row in rows}
        return [event.id in stored for event in events]

    async def mark_unsent(self, event_ids: Sequence[UUID]) -> None:
        """Have the sweep send a message about these events, which are written as enqueued."""
        ids = uuid_array(sorted(event_ids))
        for statement in MARK_UNSENT.values():
            await self._database.run(statement, ids=ids)

    async def page(self, project_id: UUID, wanted: Selection) -> list[EventLog]:
        """What is wanted, newest first."""
        conditions, values = narrowed(wanted)
        rows = await self._database.run(_list(conditions), project_id=project_id, **values)
        return [EventLog(**row._mapping) for row in rows]

    async def get(self, project_id: UUID, event_id: UUID, *, now: datetime) -> EventLog | None:
        for table in (ACTIVE, ARCHIVE):
            rows = await self._database.run(GET[table], project_id=project_id, id=event_id, now=now)
            if rows:
                return EventLog(**rows[0]._mapping)
        return None

    async def find(self, event_ids: Sequence[UUID]) -> list[EventLog]:
        """Those of the events that are logged, of whichever project."""
        rows = await self._database.run(FIND, ids=uuid_array(event_ids))
        return [EventLog(**row._mapping) for row in rows]


async def insert_scheduled(
    connection: AsyncConnection,
    events: Sequence[tuple[UUID, UUID, Firing]],
    *,
    now: datetime,
    until: datetime,
) -> list[EventRef]:
    """Write the events (id, revision id, firing) of due occurrences; one already logged is left.

    Those due by `until` are written as enqueued: their messages are to be sent next.
    """
    rows = await fetch(
        connection,
        INSERT_SCHEDULED,
        {
            "events": to_json(
                [
                    {
                        "id": id,
                        "revision_id": revision_id,
                        "scheduled_for": firing.scheduled_for,
                        "fired_at": firing.fired_at,
                        "turn": firing.turn,
                    }
                    for id, revision_id, firing in events
                ]
            ),
            "now": now,
            "until": until,
        },
    )
    return [event_ref(row) for row in rows]


def event_ref(row: Row[Any]) -> EventRef:
    """The message's view of a row that names its id, endpoint and time."""
    return EventRef(row.id, row.next_attempt_at, row.endpoint_key)
