"""Create, change and list the events of the catalogue, as the team that manages it does."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import CATALOGUE_ADMIN, Principal
from triggerfish.domain.catalogue_event import CatalogueEvent, change_event
from triggerfish.domain.catalogue_event_parse import NewEvent, parse_change, parse_new_event
from triggerfish.domain.catalogue_list import EventFilter, EventPage
from triggerfish.domain.catalogue_notification import News, Notification
from triggerfish.domain.errors import Conflict, NotFound, TryLater
from triggerfish.ports import Clock, IdQueue, Ids


class EventStore(Protocol):
    """Events, each stored together with the notification that its change makes."""

    async def get(self, event_id: UUID) -> CatalogueEvent | None: ...

    async def insert(self, event: CatalogueEvent, notification: Notification) -> None: ...

    async def replace(self, event: CatalogueEvent, notification: Notification | None) -> bool:
        """False, and nothing is stored, unless the stored version is the one before."""
        ...

    async def page(
        self, wanted: EventFilter, *, owner: UUID | None, page: int, limit: int
    ) -> tuple[Sequence[CatalogueEvent], int]:
        """The events of a page, the earliest first, and how many there are in all.

        The search counts as the owner's; None is the public.
        """
        ...


class Outbox(Protocol):
    async def mark_enqueued(self, ids: Sequence[UUID], *, now: datetime) -> None:
        """Note that messages are on their way, so that the sweep leaves them alone."""
        ...


@dataclass(frozen=True, slots=True)
class ManageEventsDeps:
    clock: Clock
    ids: Ids
    events: EventStore
    outbox: Outbox
    queue: IdQueue


async def create_event(raw: object, caller: Principal, d: ManageEventsDeps) -> CatalogueEvent:
    """Check and store an event. Raises InvalidInput naming every wrong field."""
    now = d.clock.now()
    event = _new_event(parse_new_event(raw, now=now), caller, d.ids.uuid7(now), now)
    notification = _notification(News.CREATED, event, d)
    await d.events.insert(event, notification)
    await enqueue_notifications([notification.id], d)
    return event


async def change_catalogue_event(
    event_id: UUID,
    raw: object,
    d: ManageEventsDeps,
    *,
    check: Callable[[CatalogueEvent], None] = lambda event: None,
) -> CatalogueEvent:
    """Change an event's status, notes or both, and tell of its new status.

    `check` sees the event before. Raises what it raises, InvalidInput, NotFound, and Conflict for
    a transition that does not exist, or when somebody else changed the event at the same time: then
    nothing is stored, and nothing lost.
    """
    change = parse_change(raw)
    event = await d.events.get(event_id)
    if event is None:
        raise NotFound("There is no such event.")
    check(event)
    changed, news = change_event(event, change, d.clock.now())
    notification = _notification(news, changed, d) if news else None
    if not await d.events.replace(changed, notification):
        raise Conflict("The event was changed at the same time; look at it again.")
    if notification:
        await enqueue_notifications([notification.id], d)
    return changed


async def list_events(
    wanted: EventFilter, caller: Principal, d: ManageEventsDeps, *, page: int, limit: int
) -> EventPage:
    """A page of events, drafts and all; empty beyond the last one."""
    events, total = await d.events.page(wanted, owner=caller.project_id, page=page, limit=limit)
    return EventPage(events, page, limit, total)


async def enqueue_notifications(ids: Sequence[UUID], d: ManageEventsDeps) -> None:
    """Send a message for each stored notification; what the queue did not take is swept later.

    Raises nothing: the change is stored, and who is told otherwise would make it again.
    """
    sent = await d.queue.send(ids)
    if sent:
        with suppress(TryLater):  # unmarked, they are sent again, and claimed once
            await d.outbox.mark_enqueued(sent, now=d.clock.now())


def _new_event(wanted: NewEvent, caller: Principal, id: UUID, now: datetime) -> CatalogueEvent:
    return CatalogueEvent(
        id=id,
        title=wanted.title,
        start_at=wanted.start_at,
        end_at=wanted.end_at,
        location=wanted.location,
        status=wanted.status,
        internal_notes=wanted.internal_notes,
        created_by=wanted.created_by or _author(caller),
        updated_at=now,
    )


def _author(caller: Principal) -> str:
    return "admin token" if caller == CATALOGUE_ADMIN else f"key {caller.key_id}"


def _notification(news: News, event: CatalogueEvent, d: ManageEventsDeps) -> Notification:
    return Notification(
        d.ids.uuid7(event.updated_at), event.id, news, event.title, event.updated_at
    )
