"""The turns of made-up events: what waits for one, and what makes room for an older event.

A made-up event was late when it fired and is posted at its turn, so its `next_attempt_at` is no
earlier than its `fired_at`; that of an event which is merely late is when it was due.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from triggerfish.adapters.db.engine import fetch
from triggerfish.adapters.db.event_logs import ACTIVE
from triggerfish.adapters.db.values import to_json
from triggerfish.domain.catch_up import PACE, Waiting
from triggerfish.domain.endpoint_limits import receiver_of

# Whoever deals turns at an endpoint sees those that others have dealt there.
LOCK = text("""
    SELECT pg_advisory_xact_lock(key)
      FROM (SELECT unnest(CAST(:keys AS bigint[])) AS key ORDER BY key) AS sorted
""")

WAITS = """
    e.status = 'pending' AND e.attempt = 0 AND e.source = 'scheduled' AND e.released_at IS NULL
    AND e.fired_at > e.scheduled_for AND e.next_attempt_at >= e.fired_at
"""
WAITING = "e.id, e.endpoint_key, e.scheduled_for, e.next_attempt_at AS turn"
VARIANTS_OF = "e.status = 'pending' AND e.endpoint_key <= v.receiver || ';z'"

# A receiver has a key for each set of limits; they stand next to each other in the index.
# Compared and ordered by both columns, so that even without statistics the index on waiting events
# is read, from the endpoint's end.
LAST_TURNS = text(f"""
    WITH RECURSIVE variant (receiver, key) AS (
        SELECT v.receiver, (SELECT e.endpoint_key FROM {ACTIVE} e
                             WHERE {VARIANTS_OF} AND e.endpoint_key >= v.receiver
                             ORDER BY e.endpoint_key LIMIT 1)
          FROM unnest(CAST(:receivers AS text[])) AS v (receiver)
         UNION ALL
        SELECT v.receiver, (SELECT e.endpoint_key FROM {ACTIVE} e
                             WHERE {VARIANTS_OF} AND e.endpoint_key > v.key
                             ORDER BY e.endpoint_key LIMIT 1)
          FROM variant v WHERE v.key IS NOT NULL)
    SELECT last.*
      FROM variant v
     CROSS JOIN LATERAL (
        SELECT {WAITING} FROM {ACTIVE} e
         WHERE (e.endpoint_key, e.next_attempt_at) > (v.key, :still_counts)
           AND (e.endpoint_key, e.next_attempt_at) <= (v.key, 'infinity')
           AND {WAITS}
         ORDER BY e.endpoint_key DESC, e.next_attempt_at DESC
         LIMIT 1) AS last
""")

ALL_TURNS = text(f"""
    SELECT {WAITING}
      FROM {ACTIVE} e
     WHERE e.endpoint_key = ANY(CAST(:endpoint_keys AS text[]))
       AND e.next_attempt_at > :still_counts AND {WAITS}
       FOR UPDATE SKIP LOCKED
""")

# Their messages come too early now; the sweep sends others in time.
MOVE = text(f"""
    UPDATE {ACTIVE} e SET next_attempt_at = m.turn, enqueued_at = NULL
      FROM json_to_recordset(CAST(:moved AS json)) AS m (id uuid, turn timestamptz)
     WHERE e.id = m.id
""")


async def waiting_at(
    connection: AsyncConnection, oldest: Mapping[str, datetime], *, now: datetime
) -> list[Waiting]:
    """What waits at receivers that are to make up for what was missed since their `oldest`.

    The last that waits at each is enough, unless it was due later: then all, locked.
    """
    await fetch(connection, LOCK, {"keys": [_lock_key(receiver) for receiver in oldest]})
    counts = {"still_counts": now - PACE}
    last = await fetch(connection, LAST_TURNS, counts | {"receivers": sorted(oldest)})
    overtaken = {
        receiver_of(row.endpoint_key)
        for row in last
        if row.scheduled_for > oldest[receiver_of(row.endpoint_key)]
    }
    rows = [row for row in last if receiver_of(row.endpoint_key) not in overtaken]
    if overtaken:
        keys = [row.endpoint_key for row in last if receiver_of(row.endpoint_key) in overtaken]
        rows += await fetch(connection, ALL_TURNS, counts | {"endpoint_keys": keys})
    return [_waiting(row) for row in rows]


async def move(connection: AsyncConnection, moved: Sequence[Waiting]) -> None:
    """Give waiting events their new turns."""
    if moved:
        rows = [{"id": one.id, "turn": one.turn} for one in moved]
        await fetch(connection, MOVE, {"moved": to_json(rows)})


def oldest_by_receiver(missed: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    """From endpoint keys and what was missed there to the oldest of each receiver."""
    oldest = dict[str, datetime]()
    for key, at in missed:
        receiver = receiver_of(key)
        oldest[receiver] = min(at, oldest.get(receiver, at))
    return oldest


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(row.id, receiver_of(row.endpoint_key), row.scheduled_for, row.turn)


def _lock_key(receiver: str) -> int:
    return int.from_bytes(receiver.encode()[:8], "big") >> 1
