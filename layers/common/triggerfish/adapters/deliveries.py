"""The `Deliveries` port: single calls of concurrent deliveries, answered in batches by Postgres."""

from collections.abc import Sequence
from uuid import UUID

from triggerfish.adapters.batcher import Batcher
from triggerfish.adapters.db.deliveries import Deliveries as DeliveryRows
from triggerfish.domain.delivery import ClaimedEvent, Held, Outcome, Settled
from triggerfish.ports import Clock

BATCH = 100

Settlement = tuple[Outcome | Held | None, str | None]


class BatchedDeliveries:
    """Claims and settles; while one statement runs, what comes meanwhile goes into the next."""

    def __init__(self, rows: DeliveryRows, clock: Clock) -> None:
        self._rows = rows
        self._clock = clock
        self.claim: Batcher[UUID, ClaimedEvent | None] = Batcher(self._claim, max_size=BATCH)
        self.is_known: Batcher[UUID, bool] = Batcher(rows.known, max_size=BATCH)
        self._settle: Batcher[Settlement, Settled] = Batcher(self._settle_batch, max_size=BATCH)

    async def settle(self, outcome: Outcome | Held | None, *, pull: str | None) -> Settled:
        return await self._settle((outcome, pull))

    async def _claim(self, event_ids: Sequence[UUID]) -> list[ClaimedEvent | None]:
        return await self._rows.claim(event_ids, now=self._clock.now())

    async def _settle_batch(self, settlements: Sequence[Settlement]) -> list[Settled]:
        batch = await self._rows.settle(
            [outcome for outcome, _ in settlements if outcome is not None],
            [key for _, key in settlements if key is not None],
            now=self._clock.now(),
        )
        waiting: dict[str | None, list[ClaimedEvent]] = {}
        for event in batch.leased:
            waiting.setdefault(event.endpoint_key, []).append(event)
        served = set(waiting)
        return [
            Settled(
                outcome is not None and outcome.event.id in batch.done,
                waiting[key].pop() if waiting.get(key) else None,
                # said once, to the first of the outcomes that together disabled it
                batch.disabled.pop(outcome.event.trigger_id, None)
                if outcome is not None and outcome.event.trigger_id is not None
                else None,
                is_blocked=key in batch.blocked and key not in served,
            )
            for outcome, key in settlements
        ]
