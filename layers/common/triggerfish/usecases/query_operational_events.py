"""List a project's operational events."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.operational_event import OperationalEvent
from triggerfish.domain.page import Page, Place, cut, decode_cursor


class Store(Protocol):
    async def page(
        self, project_id: UUID, *, trigger_id: UUID | None, before: Place | None, limit: int
    ) -> list[OperationalEvent]: ...


@dataclass(frozen=True, slots=True)
class OperationalEventsDeps:
    store: Store


async def list_operational_events(
    caller: Principal,
    d: OperationalEventsDeps,
    *,
    trigger_id: UUID | None,
    limit: int,
    cursor: str | None,
) -> Page[OperationalEvent]:
    """Newest first, of one trigger or of all. Raises InvalidInput for a cursor not ours."""
    before = decode_cursor(cursor)
    found = await d.store.page(
        caller.project_id, trigger_id=trigger_id, before=before, limit=limit + 1
    )
    return cut([(event.at, event.trigger_id, event) for event in found], limit)
