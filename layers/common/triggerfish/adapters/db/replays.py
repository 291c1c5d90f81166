"""Replays: events that are over, found by a filter, and written anew in one statement."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import TextClause, text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import (
    ACTIVE,
    ARCHIVE,
    CONDITIONS,
    ORDER,
    event_ref,
    narrowed,
)
from triggerfish.adapters.db.tables.events import FINAL
from triggerfish.adapters.db.values import to_json
from triggerfish.domain.event_log import Selection
from triggerfish.domain.replay import Original, Replay
from triggerfish.domain.retry import WhichEndpoint

HAS_TRIGGER = "EXISTS (SELECT FROM triggers t WHERE t.id = e.trigger_id)"


@lru_cache
def _find(given: frozenset[str], endpoint: WhichEndpoint) -> TextClause:
    """The ids for just the conditions given, so that one plan fits all its uses."""
    conditions = " AND ".join(
        ["project_id = :project_id", "fired_at > :fired_after", "fired_at <= :fired_until", FINAL]
        + [condition for name, condition in CONDITIONS.items() if name in given]
        + ([HAS_TRIGGER] if endpoint is WhichEndpoint.CURRENT else [])
    )
    both = " UNION ALL ".join(
        f"(SELECT id, fired_at, octet_length(payload) AS size FROM {table} e"
        f" WHERE {conditions} {ORDER} LIMIT :limit)"
        for table in (ACTIVE, ARCHIVE)
    )
    return text(f"SELECT * FROM ({both}) AS both_tables {ORDER} LIMIT :limit")


# With which revision an event is sent again, by where it goes.
REVISION_OF = {
    WhichEndpoint.ORIGINAL: "trigger_revisions r ON r.id = e.revision_id",
    WhichEndpoint.CURRENT: (
        "triggers t ON t.id = e.trigger_id JOIN trigger_revisions r ON r.id = t.revision_id"
    ),
}


def _originals(table: str, endpoint: WhichEndpoint) -> str:
    return f"""
        SELECT n.id AS new_id, e.id, e.project_id, e.trigger_id, r.id AS revision_id,
               e.trigger_type, e.is_test, e.note, e.payload, r.endpoint_key
          FROM n JOIN {table} e ON e.id = n.replay_of AND e.fired_at = n.fired_at
          JOIN {REVISION_OF[endpoint]}
         WHERE e.project_id = :project_id
    """


# A deleted trigger's revision is kept as long as the newest event that fires with it.
def _insert(endpoint: WhichEndpoint) -> TextClause:
    return text(f"""
    WITH n AS (
        SELECT * FROM json_to_recordset(CAST(:replays AS json))
            AS n (id uuid, replay_of uuid, fired_at timestamptz)),
    original AS ({_originals(ACTIVE, endpoint)} UNION ALL {_originals(ARCHIVE, endpoint)}),
    kept AS (
        UPDATE trigger_revisions r SET retired_at = :now
          FROM original o
         WHERE r.id = o.revision_id AND r.retired_at < :now)
    INSERT INTO {ACTIVE}
           (id, project_id, trigger_id, revision_id, trigger_type, source, is_test, note,
            scheduled_for, fired_at, payload, endpoint_key, status, attempt, next_attempt_at,
            enqueued_at, replay_of)
    SELECT o.new_id, o.project_id, o.trigger_id, o.revision_id, o.trigger_type, 'replay',
           o.is_test, o.note, :now, :now, o.payload, o.endpoint_key, 'pending', 0, :now, :now, o.id
      FROM original o
    RETURNING id, endpoint_key, next_attempt_at, replay_of
    """)


INSERT_REPLAYS = {endpoint: _insert(endpoint) for endpoint in WhichEndpoint}


class Replays:
    """Finds what to send again and writes the new events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, project_id: UUID, wanted: Selection, *, endpoint: WhichEndpoint
    ) -> list[Original]:
        """Those of the wanted events that are final and have such an endpoint, newest first."""
        conditions, values = narrowed(wanted)
        statement = _find(conditions, endpoint)
        rows = await self._database.run(statement, project_id=project_id, **values)
        return [Original(row.id, row.fired_at, row.size) for row in rows]

    async def insert(
        self,
        project_id: UUID,
        originals: Sequence[Original],
        *,
        endpoint: WhichEndpoint,
        new_id: Callable[[datetime], UUID],
        now: datetime,
    ) -> list[Replay]:
        """Write a new event for each original that still exists; all or nothing, in no order."""
        replays = to_json(
            [
                {"id": new_id(now), "replay_of": one.id, "fired_at": one.fired_at}
                for one in originals
            ]
        )
        rows = await self._database.run(
            INSERT_REPLAYS[endpoint], replays=replays, project_id=project_id, now=now
        )
        return [Replay(event_ref(row), row.replay_of) for row in rows]
