"""The tick's transaction: claim due triggers, write their events, advance them; all or nothing."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import insert_scheduled
from triggerfish.adapters.db.triggers import advance, claim_due
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.firing import DueTrigger, Fired, Plan


class DueTriggers:
    """Fires in batches; concurrent callers skip each other's triggers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fire(
        self,
        decide: Callable[[Sequence[DueTrigger]], Sequence[Plan]],
        *,
        new_id: Callable[[datetime], UUID],
        until: datetime,
        limit: int,
        only: UUID | None,
    ) -> Fired:
        async with self._database.transaction() as connection:
            due = await claim_due(connection, until=until, limit=limit, only=only)
            if not due:
                return Fired(0, [], 0)
            plans = decide(due)
            refs = await _insert_events(connection, plans, new_id)
            await advance(connection, plans)
            return Fired(len(due), refs, sum(plan.skipped for plan in plans))


async def _insert_events(
    connection: AsyncConnection, plans: Sequence[Plan], new_id: Callable[[datetime], UUID]
) -> list[EventRef]:
    events = [
        (new_id(firing.fired_at), plan.trigger.revision_id, firing)
        for plan in plans
        for firing in plan.firings
    ]
    return await insert_scheduled(connection, events) if events else []
