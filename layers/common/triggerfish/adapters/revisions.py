"""Delivery settings by revision, remembered: a revision never changes, but its secrets rotate."""

from collections.abc import Sequence
from uuid import UUID

from cachetools import TTLCache

from triggerfish.adapters.batcher import Batcher
from triggerfish.adapters.db.triggers import Triggers
from triggerfish.domain.delivery import DeliverySettings
from triggerfish.ports import Clock

REMEMBERED = 20_000
ROTATION_SECONDS = 10.0  # a rotated signing secret is used by every worker after that long


class RevisionSettings:
    """Reads and decrypts the settings of revisions in batches and remembers them for a moment."""

    def __init__(self, triggers: Triggers, clock: Clock) -> None:
        self._triggers = triggers
        self._known: TTLCache[UUID, DeliverySettings] = TTLCache(
            REMEMBERED, ROTATION_SECONDS, timer=lambda: clock.now().timestamp()
        )
        self._load: Batcher[UUID, DeliverySettings] = Batcher(self._load_batch, max_size=200)

    async def __call__(self, revision_id: UUID) -> DeliverySettings:
        known = self._known.get(revision_id)
        if known is None:
            known = await self._load(revision_id)
            self._known[revision_id] = known
        return known

    async def _load_batch(self, revision_ids: Sequence[UUID]) -> list[DeliverySettings]:
        found = await self._triggers.delivery_settings(revision_ids)
        return [found[id] for id in revision_ids]
