"""Tell the workers that events become due. An unsent message costs time, never an event."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import TryLater
from triggerfish.ports import Clock, Queue


class Enqueued(Protocol):
    """Marks rows whose message is on its way, so that the sweep leaves them alone."""

    async def mark_enqueued(self, event_ids: Sequence[UUID], *, now: datetime) -> None: ...


async def enqueue(
    refs: Sequence[EventRef], *, queue: Queue, events: Enqueued, clock: Clock
) -> None:
    """Send a message for each committed event; what the queue did not take is left to the sweep.

    Raises nothing: the events are stored, and who is told otherwise would make them again.
    """
    sent = await queue.send(refs, now=clock.now())
    if not sent:
        return
    with suppress(TryLater):  # unmarked, they are sent again, and claimed once
        await events.mark_enqueued([ref.event_id for ref in sent], now=clock.now())
