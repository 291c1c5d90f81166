"""What the public reads of the catalogue: never a draft, and never what is private."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from triggerfish.domain.catalogue_event import CatalogueEvent, PublicEvent, publish
from triggerfish.domain.catalogue_list import EventFilter, EventPage
from triggerfish.domain.errors import NotFound
from triggerfish.ports import Clock


class PublicEventStore(Protocol):
    async def get(self, event_id: UUID) -> CatalogueEvent | None: ...

    async def page(
        self, wanted: EventFilter, *, owner: UUID | None, page: int, limit: int
    ) -> tuple[Sequence[CatalogueEvent], int]: ...


@dataclass(frozen=True, slots=True)
class PublicEventsDeps:
    clock: Clock
    events: PublicEventStore


@dataclass(frozen=True, slots=True)
class PublicPage:
    """A page as the public sees it, with the numbers of the page behind it."""

    events: Sequence[PublicEvent]
    numbers: EventPage


async def list_public_events(
    wanted: EventFilter, d: PublicEventsDeps, *, page: int, limit: int
) -> PublicPage:
    """A page of published and cancelled events; `wanted` asks for no other status."""
    events, total = await d.events.page(wanted, owner=None, page=page, limit=limit)
    now = d.clock.now()
    shown = [public for event in events if (public := publish(event, now))]
    return PublicPage(shown, EventPage(events, page, limit, total))


async def get_public_event(event_id: UUID, d: PublicEventsDeps) -> PublicEvent:
    """Raises NotFound for an unknown event and for a draft alike."""
    event = await d.events.get(event_id)
    public = publish(event, d.clock.now()) if event else None
    if public is None:
        raise NotFound("There is no such event.")
    return public
