"""The `Deliveries` port: single calls of concurrent couriers, answered in batches by Postgres."""

from collections.abc import Sequence
from uuid import UUID

from triggerfish.adapters.batcher import Batcher
from triggerfish.adapters.db.deliveries import Deliveries as DeliveryRows
from triggerfish.domain.delivery import Claim, Claimed, ClaimedEvent, Ending, Logged, Settled
from triggerfish.ports import Clock

BATCH = 100

Settlement = tuple[Sequence[Ending], Claim | None]


class BatchedDeliveries:
    """Claims and settles; while one statement runs, what comes meanwhile goes into the next.

    An endpoint has one courier, so a batch asks for an endpoint's events once.
    """

    def __init__(self, rows: DeliveryRows, clock: Clock) -> None:
        self._rows = rows
        self._clock = clock
        self.claim: Batcher[Claim, Claimed] = Batcher(self._claim_batch, max_size=BATCH)
        self.logged: Batcher[UUID, Logged] = Batcher(rows.logged, max_size=10 * BATCH)
        self._settle: Batcher[Settlement, Settled] = Batcher(self._settle_batch, max_size=BATCH)

    async def claim_archived(self, event_ids: Sequence[UUID]) -> list[ClaimedEvent]:
        return await self._rows.claim_archived(event_ids, now=self._clock.now())

    async def settle(self, endings: Sequence[Ending], claim: Claim | None) -> Settled:
        return await self._settle((endings, claim))

    async def _claim_batch(self, claims: Sequence[Claim]) -> list[Claimed]:
        claimed = await self._rows.claim(claims, now=self._clock.now())
        return [claimed[claim.endpoint_key] for claim in claims]

    async def _settle_batch(self, settlements: Sequence[Settlement]) -> list[Settled]:
        batch = await self._rows.settle(
            [ending for endings, _ in settlements for ending in endings],
            [claim for _, claim in settlements if claim is not None],
            now=self._clock.now(),
        )
        return [
            Settled(
                [ending.event.id in batch.done for ending in endings],
                _taken_out(batch.disabled, endings),
                batch.claimed[claim.endpoint_key] if claim else None,
            )
            for endings, claim in settlements
        ]


def _taken_out(disabled: dict[UUID, str], endings: Sequence[Ending]) -> dict[UUID, str]:
    """The triggers of these endings that are disabled now: said to the first who asks."""
    ids = {ending.event.trigger_id for ending in endings} & disabled.keys()
    return {id: disabled.pop(id) for id in ids if id is not None}
