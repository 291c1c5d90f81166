"""Release held events: deliver what fired while its trigger was disabled."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import Conflict, NotFound
from triggerfish.domain.retention import RetentionPolicy
from triggerfish.domain.trigger import Trigger, TriggerStatus
from triggerfish.ports import Clock, Queue
from triggerfish.usecases.enqueue import Unsent, enqueue

BATCH = 500


class TriggerStore(Protocol):
    async def get(self, project_id: UUID, trigger_id: UUID) -> Trigger | None: ...


class HeldEvents(Protocol):
    async def release(
        self,
        project_id: UUID,
        trigger_id: UUID,
        *,
        fired_after: datetime,
        now: datetime,
        limit: int,
    ) -> list[EventRef]:
        """Make up to `limit` held events pending, the oldest first; none of a disabled trigger."""
        ...


@dataclass(frozen=True, slots=True)
class ReleaseHeldDeps:
    clock: Clock
    triggers: TriggerStore
    held: HeldEvents
    events: Unsent
    queue: Queue
    retention: RetentionPolicy


async def release_held(trigger_id: UUID, caller: Principal, d: ReleaseHeldDeps) -> int:
    """Deliver all held events of a trigger as it is now; how many there were.

    Raises NotFound, and Conflict while the trigger is disabled: it would hold them again.
    """
    trigger = await d.triggers.get(caller.project_id, trigger_id)
    if trigger is None:
        raise NotFound("There is no such trigger.")
    if trigger.status is TriggerStatus.DISABLED:
        raise Conflict("The trigger is disabled: resume it before its events are released.")
    released = 0
    while batch := await _release_batch(trigger, d):
        released += len(batch)
        if len(batch) < BATCH:
            break
    return released


async def _release_batch(trigger: Trigger, d: ReleaseHeldDeps) -> list[EventRef]:
    """A message for each; what the queue does not take is left to the sweep."""
    now = d.clock.now()
    refs = await d.held.release(
        trigger.project_id,
        trigger.id,
        fired_after=d.retention.kept_from(now),
        now=now,
        limit=BATCH,
    )
    await enqueue(refs, queue=d.queue, events=d.events, clock=d.clock)
    return refs
