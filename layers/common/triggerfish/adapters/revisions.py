"""Delivery settings by revision: revisions never change, so what was read once is never stale."""

from collections.abc import Sequence
from uuid import UUID

from cachetools import LRUCache

from triggerfish.adapters.batcher import Batcher
from triggerfish.adapters.db.triggers import Triggers
from triggerfish.domain.delivery import DeliverySettings

REMEMBERED = 20_000


class RevisionSettings:
    """Reads the settings of revisions in batches and remembers them."""

    def __init__(self, triggers: Triggers) -> None:
        self._triggers = triggers
        self._known: LRUCache[UUID, DeliverySettings] = LRUCache(REMEMBERED)
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
