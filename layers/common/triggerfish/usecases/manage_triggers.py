"""List, look up and delete triggers of the caller's project."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.errors import NotFound, Stale
from triggerfish.domain.page import Page, Place, cut, decode_cursor
from triggerfish.domain.trigger import Trigger
from triggerfish.ports import Clock


class TriggerStore(Protocol):
    async def get(self, project_id: UUID, trigger_id: UUID) -> Trigger | None: ...

    async def page(
        self,
        project_id: UUID,
        *,
        type: str | None,
        status: str | None,
        before: Place | None,
        limit: int,
    ) -> list[Trigger]: ...

    async def delete(
        self, project_id: UUID, trigger_id: UUID, *, now: datetime, seen: datetime | None = None
    ) -> bool: ...


@dataclass(frozen=True, slots=True)
class ManageTriggersDeps:
    clock: Clock
    triggers: TriggerStore


async def list_triggers(
    caller: Principal,
    d: ManageTriggersDeps,
    *,
    type: str | None,
    status: str | None,
    limit: int,
    cursor: str | None,
) -> Page[Trigger]:
    """Newest first. Raises InvalidInput for a cursor that is not ours."""
    found = await d.triggers.page(
        caller.project_id, type=type, status=status, before=decode_cursor(cursor), limit=limit + 1
    )
    return cut(
        [(trigger.created_at, trigger.id, trigger) for trigger in found],
        limit,
        size=lambda trigger: len((trigger.revision.definition.payload or "").encode()),
    )


async def get_trigger(trigger_id: UUID, caller: Principal, d: ManageTriggersDeps) -> Trigger:
    """Raises NotFound for an unknown trigger and for another project's alike."""
    trigger = await d.triggers.get(caller.project_id, trigger_id)
    if trigger is None:
        raise NotFound("There is no such trigger.")
    return trigger


async def delete_trigger(
    trigger_id: UUID,
    caller: Principal,
    d: ManageTriggersDeps,
    *,
    check: Callable[[Trigger], None] | None = None,
) -> None:
    """Stop future firings; what has fired stays in the log.

    With a `check` only the very state that it saw is deleted. Raises what it raises, NotFound, and
    Stale for a trigger that is changed at the same time.
    """
    seen = None
    if check is not None:
        trigger = await get_trigger(trigger_id, caller, d)
        check(trigger)
        seen = trigger.updated_at
    if not await d.triggers.delete(caller.project_id, trigger_id, now=d.clock.now(), seen=seen):
        if seen:
            raise Stale("The trigger is being changed at the same time.")
        raise NotFound("There is no such trigger.")
