"""Tell what happened in the catalogue: claim, notify, record. And take up what was forgotten."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.catalogue_notification import Notification, wait_after
from triggerfish.domain.errors import TryLater
from triggerfish.ports import CatalogueJournal, Clock, IdQueue, Notifier

SWEEP_LIMIT = 500


class Notifications(Protocol):
    """The outbox: what is to be told, written with the change that it is about."""

    async def claim(self, ids: Sequence[UUID], *, now: datetime) -> list[Notification]:
        """Lease those that are not told and not leased: of two messages, one finds it."""
        ...

    async def record_told(self, notification: Notification, *, now: datetime) -> None: ...

    async def put_off(self, notification: Notification, *, until: datetime) -> None: ...

    async def forgotten(self, *, now: datetime, limit: int) -> list[UUID]:
        """Those whose message never came, was lost, or whose next attempt is due."""
        ...

    async def mark_enqueued(self, ids: Sequence[UUID], *, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class SendNotificationDeps:
    clock: Clock
    outbox: Notifications
    notifier: Notifier
    queue: IdQueue
    journal: CatalogueJournal


async def send_notifications(ids: Sequence[UUID], d: SendNotificationDeps) -> None:
    """Tell what is not told yet; a notification that fails waits in the outbox for the sweep.

    Once each, however often its message comes. Only a worker that dies between telling and
    recording leaves one that is told again, when its lease is over.
    """
    claimed = await d.outbox.claim(ids, now=d.clock.now())
    await asyncio.gather(*(_send(notification, d) for notification in claimed))


async def _send(notification: Notification, d: SendNotificationDeps) -> None:
    try:
        await d.notifier.notify(notification)
    except TryLater as error:
        d.journal.not_told(notification, error.message)
        until = d.clock.now() + wait_after(notification.attempt)
        await d.outbox.put_off(notification, until=until)
    else:
        await d.outbox.record_told(notification, now=d.clock.now())


async def sweep_notifications(d: SendNotificationDeps) -> int:
    """Send messages for what waits without one; how many the queue took. The next run goes on."""
    waiting = await d.outbox.forgotten(now=d.clock.now(), limit=SWEEP_LIMIT)
    sent = await d.queue.send(waiting)
    if sent:
        await d.outbox.mark_enqueued(sent, now=d.clock.now())
    return len(sent)
