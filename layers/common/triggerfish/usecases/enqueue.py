"""Tell the workers that events become due. An unsent message costs a second, never an event."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol
from uuid import UUID

from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import TryLater
from triggerfish.ports import Clock, Queue


class Unsent(Protocol):
    """Corrects rows, which are written as enqueued, so that the sweep sends their message."""

    async def mark_unsent(self, event_ids: Sequence[UUID]) -> None: ...


async def enqueue(refs: Sequence[EventRef], *, queue: Queue, events: Unsent, clock: Clock) -> None:
    """Send messages about committed events; the sweep sends what the queue did not take.

    Raises nothing: the events are stored, and a caller told otherwise would make them again.
    """
    sent = {ref.event_id for ref in await queue.send(refs, now=clock.now())}
    if unsent := [ref.event_id for ref in refs if ref.event_id not in sent]:
        with suppress(TryLater):  # taken for sent, they are found when they are due and wait
            await events.mark_unsent(unsent)
