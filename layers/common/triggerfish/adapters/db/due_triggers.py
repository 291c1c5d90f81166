"""The tick's transaction: claim due triggers, write their events, advance them; all or nothing."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from triggerfish.adapters.db.catch_up_turns import move, oldest_by_receiver, waiting_at
from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.event_logs import insert_scheduled
from triggerfish.adapters.db.values import to_json, uuid_array
from triggerfish.domain.catch_up import Waiting, is_made_up
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.firing import Batch, DueTrigger, Fired, Plan
from triggerfish.domain.schedule import Schedule

_CLAIM = """
    SELECT t.id, t.revision_id, t.next_occurrence_at, t.next_fire_at, t.fired_count,
           r.schedule, r.catch_up, r.catch_up_window_seconds, r.catch_up_grace_seconds,
           r.endpoint_key
      FROM triggers t JOIN trigger_revisions r ON r.id = t.revision_id
     WHERE t.status IN ('active', 'disabled') AND t.next_fire_at <= :until
       {among}
     ORDER BY t.next_fire_at
     LIMIT :limit
       FOR UPDATE OF t SKIP LOCKED
"""
CLAIM_DUE = text(_CLAIM.format(among=""))
CLAIM_AMONG = text(_CLAIM.format(among="AND t.id = ANY(CAST(:only AS uuid[]))"))

ADVANCE = text("""
    UPDATE triggers t
       SET next_occurrence_at = n.next_occurrence_at,
           next_fire_at = n.next_fire_at,
           fired_count = t.fired_count + n.fired,
           skipped_count = t.skipped_count + n.skipped,
           status = CASE WHEN n.next_fire_at IS NULL AND t.status = 'active'
                         THEN 'completed' ELSE t.status END
      FROM json_to_recordset(CAST(:plans AS json))
        AS n (id uuid, next_occurrence_at timestamptz, next_fire_at timestamptz,
              fired int, skipped int)
     WHERE t.id = n.id
""")


class DueTriggers:
    """Fires in batches; concurrent callers skip each other's triggers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fire(
        self,
        decide: Callable[[Sequence[DueTrigger], Sequence[Waiting]], Batch],
        *,
        new_id: Callable[[datetime], UUID],
        now: datetime,
        until: datetime,
        limit: int,
        only: Sequence[UUID] | None,
    ) -> Fired:
        async with self._database.transaction() as connection:
            due = await _claim_due(connection, now=now, until=until, limit=limit, only=only)
            if not due:
                return Fired(0, [], 0)
            batch = decide(due, await _waiting(connection, due, now))
            refs = await _insert_events(connection, batch.plans, new_id, now=now, until=until)
            await move(connection, batch.moved)
            await _advance(connection, batch.plans)
            return Fired(len(due), refs, sum(plan.skipped for plan in batch.plans))


async def _insert_events(
    connection: AsyncConnection,
    plans: Sequence[Plan],
    new_id: Callable[[datetime], UUID],
    *,
    now: datetime,
    until: datetime,
) -> list[EventRef]:
    events = [
        (new_id(firing.fired_at), plan.trigger.revision_id, firing)
        for plan in plans
        for firing in plan.firings
    ]
    if not events:
        return []
    return await insert_scheduled(connection, events, now=now, until=until)


async def _claim_due(
    connection: AsyncConnection,
    *,
    now: datetime,
    until: datetime,
    limit: int,
    only: Sequence[UUID] | None,
) -> list[DueTrigger]:
    """Lock up to `limit` triggers that fire by `until`, earliest first; others skip them."""
    values: dict[str, object] = {"until": until, "limit": limit}
    if only is None:
        rows = await fetch(connection, CLAIM_DUE, values)
    else:
        rows = await fetch(connection, CLAIM_AMONG, values | {"only": uuid_array(only)})
    return [
        DueTrigger(
            row.id,
            row.revision_id,
            Schedule.from_json(row.schedule),
            row.next_occurrence_at,
            row.fired_count,
            row.catch_up,
            timedelta(seconds=row.catch_up_window_seconds),
            row.endpoint_key,
            timedelta(seconds=row.catch_up_grace_seconds),
        )
        for row in rows
    ]


async def _waiting(
    connection: AsyncConnection, due: Sequence[DueTrigger], now: datetime
) -> list[Waiting]:
    """The made-up events that wait where triggers of this batch have something to make up."""
    missed = [
        (trigger.endpoint_key, trigger.next_occurrence_at)
        for trigger in due
        if is_made_up(trigger.next_occurrence_at, now, trigger.catch_up_grace)
    ]
    return await waiting_at(connection, oldest_by_receiver(missed), now=now) if missed else []


async def _advance(connection: AsyncConnection, plans: Sequence[Plan]) -> None:
    """Move claimed triggers to their next occurrence; those without one are completed."""
    rows = [
        {
            "id": plan.trigger.id,
            "next_occurrence_at": plan.next.occurrence_at,
            "next_fire_at": plan.next.fire_at,
            "fired": len(plan.firings),
            "skipped": plan.skipped,
        }
        for plan in plans
    ]
    await fetch(connection, ADVANCE, {"plans": to_json(rows)})
