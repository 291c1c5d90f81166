"""The `AcceptedEvents` port: concurrent webhook calls share one commit (group commit)."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from triggerfish.adapters.batcher import Batcher
from triggerfish.adapters.db.event_logs import EventLogs
from triggerfish.domain.event_log import AcceptedEvent
from triggerfish.ports import Clock

BATCH = 200


class BatchedAcceptedEvents:
    """Stores and marks accepted events; what comes while one statement runs goes into the next."""

    def __init__(self, events: EventLogs, clock: Clock) -> None:
        self._events = events
        self._clock = clock
        self.insert: Batcher[AcceptedEvent, bool] = Batcher(events.insert_accepted, max_size=BATCH)
        self._mark: Batcher[UUID, None] = Batcher(self._mark_batch, max_size=BATCH)

    async def mark_enqueued(self, event_ids: Sequence[UUID], *, now: datetime) -> None:
        await asyncio.gather(*(self._mark(id) for id in event_ids))

    async def _mark_batch(self, event_ids: Sequence[UUID]) -> list[None]:
        await self._events.mark_enqueued(event_ids, now=self._clock.now())
        return [None] * len(event_ids)
