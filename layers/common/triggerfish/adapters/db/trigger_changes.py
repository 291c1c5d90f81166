"""Changes of triggers: under the row's lock, all or nothing, against what was looked ahead."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.trigger_rows import COLUMNS, insert_revision, to_trigger
from triggerfish.adapters.db.values import uuid_array
from triggerfish.adapters.db.withdrawn_events import withdraw
from triggerfish.adapters.vault import Vault
from triggerfish.domain.trigger import Trigger
from triggerfish.domain.trigger_change import Standing, take_back
from triggerfish.ports import Clock

# A statement of its own: one that waits for the lock goes on with what it saw before it waited.
LOCK = text("""
    SELECT id FROM triggers WHERE project_id = :project_id AND id = :id FOR UPDATE
""")

STANDING = text(f"""
    SELECT {COLUMNS}, t.next_occurrence_at
      FROM triggers t JOIN trigger_revisions r ON r.id = t.revision_id
     WHERE t.project_id = :project_id AND t.id = :id
""")

# In the order of their ids, as every other statement locks events, so that none waits in a circle.
# What a worker has claimed meanwhile is not pending any more and stays.
LOCK_AHEAD = text("""
    SELECT id, scheduled_for FROM event_logs_active
     WHERE trigger_id = :id AND source = 'scheduled' AND status = 'pending'
       AND attempt = 0 AND fired_at > :now AND scheduled_for > :now
     ORDER BY id
       FOR UPDATE
""")

AHEAD = text("""
    SELECT scheduled_for FROM event_logs_active
     WHERE trigger_id = :id AND source = 'scheduled' AND status = 'pending'
       AND attempt = 0 AND fired_at > :now AND scheduled_for > :now
""")

REMOVE = withdraw("id = ANY(CAST(:ids AS uuid[]))")

UPDATE = text("""
    UPDATE triggers
       SET name = :name, status = :status, revision_id = :revision_id,
           next_occurrence_at = :next_occurrence_at, next_fire_at = :next_fire_at,
           fired_count = :fired_count, failing_since = :failing_since,
           disabled_at = :disabled_at, disabled_reason = :disabled_reason,
           updated_at = :updated_at
     WHERE id = :id
""")


class TriggerChanges:
    """Changes one trigger at a time; ticks skip it meanwhile, other changes wait."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def change(
        self,
        project_id: UUID,
        trigger_id: UUID,
        decide: Callable[[Standing, datetime], Standing],
    ) -> Standing | None:
        """Store what `decide` makes of the trigger as it stands; None when there is no such one.

        `decide` is called under the lock with the time at which it was got. It sees the trigger
        as if events that are not due yet had not been written; they are removed, unless it
        returns the very standing that it was given: then nothing is written.
        """
        async with self._database.transaction() as connection:
            if not await fetch(connection, LOCK, {"project_id": project_id, "id": trigger_id}):
                return None
            now = self._clock.now()
            [row] = await fetch(connection, STANDING, {"project_id": project_id, "id": trigger_id})
            ahead = await fetch(connection, LOCK_AHEAD, {"id": trigger_id, "now": now})
            stored = Standing(to_trigger(row, self._vault), row.next_occurrence_at)
            standing = take_back(stored, {event.scheduled_for for event in ahead})
            changed = decide(standing, now)
            if changed is not standing:
                ids = [event.id for event in ahead]
                await _store(connection, self._vault, changed, stored.trigger, ids)
            return changed

    async def look(self, project_id: UUID, trigger_id: UUID) -> Standing | None:
        """How the trigger stands, without events that are not due yet; changes nothing."""
        async with self._database.snapshot() as connection:
            rows = await fetch(connection, STANDING, {"project_id": project_id, "id": trigger_id})
            if not rows:
                return None
            values = {"id": trigger_id, "now": self._clock.now()}
            ahead = await fetch(connection, AHEAD, values)
            stored = Standing(to_trigger(rows[0], self._vault), rows[0].next_occurrence_at)
            return take_back(stored, {event.scheduled_for for event in ahead})


async def _store(
    connection: AsyncConnection,
    vault: Vault,
    changed: Standing,
    before: Trigger,
    ahead: Sequence[UUID],
) -> None:
    trigger = changed.trigger
    if ahead:
        await fetch(connection, REMOVE, {"ids": uuid_array(ahead)})
    if trigger.revision.id != before.revision.id:
        await insert_revision(
            connection,
            vault,
            trigger.revision,
            project_id=trigger.project_id,
            trigger_id=trigger.id,
        )
    await fetch(
        connection,
        UPDATE,
        {
            "id": trigger.id,
            "name": trigger.revision.definition.name,
            "status": trigger.status.value,
            "revision_id": trigger.revision.id,
            "next_occurrence_at": changed.occurrence_at,
            "next_fire_at": trigger.next_fire_at,
            "fired_count": trigger.fired_count,
            "failing_since": trigger.failing_since,
            "disabled_at": trigger.disabled.at if trigger.disabled else None,
            "disabled_reason": trigger.disabled.reason.value if trigger.disabled else None,
            "updated_at": trigger.updated_at,
        },
    )
