"""The `Deliveries` port: single calls of concurrent deliveries, answered in batches by Postgres."""

from collections.abc import Sequence
from uuid import UUID

from triggerfish.adapters.batcher import Batcher
from triggerfish.adapters.db.deliveries import Deliveries as DeliveryRows
from triggerfish.domain.delivery import ClaimedEvent, Outcome
from triggerfish.ports import Clock

BATCH = 100


class BatchedDeliveries:
    """Claims and records; while one statement runs, what comes meanwhile goes into the next."""

    def __init__(self, rows: DeliveryRows, clock: Clock) -> None:
        self._rows = rows
        self._clock = clock
        self.claim: Batcher[UUID, ClaimedEvent | None] = Batcher(self._claim, max_size=BATCH)
        self.claim_waiting: Batcher[str, ClaimedEvent | None] = Batcher(
            self._claim_waiting, max_size=BATCH
        )
        self.record: Batcher[Outcome, bool] = Batcher(rows.record, max_size=BATCH)

    async def _claim(self, event_ids: Sequence[UUID]) -> list[ClaimedEvent | None]:
        return await self._rows.claim(event_ids, now=self._clock.now())

    async def _claim_waiting(self, endpoint_keys: Sequence[str]) -> list[ClaimedEvent | None]:
        return await self._rows.claim_waiting(endpoint_keys, now=self._clock.now())
