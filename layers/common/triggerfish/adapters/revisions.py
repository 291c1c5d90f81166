"""Delivery settings, remembered: a revision never changes, but its secrets rotate."""

from collections.abc import Sequence
from uuid import UUID

from cachetools import TTLCache

from triggerfish.adapters.batcher import Batcher
from triggerfish.adapters.db.triggers import Triggers
from triggerfish.domain.delivery import DeliverySettings
from triggerfish.ports import Clock

REMEMBERED = 20_000
ROTATION_SECONDS = 10.0  # a rotated secret and an edited endpoint are used everywhere after that


class RevisionSettings:
    """Reads and decrypts settings in batches and remembers them for a moment."""

    def __init__(self, triggers: Triggers, clock: Clock) -> None:
        self._triggers = triggers
        self._known: TTLCache[UUID, DeliverySettings] = TTLCache(
            REMEMBERED, ROTATION_SECONDS, timer=lambda: clock.now().timestamp()
        )
        self._current: TTLCache[UUID, DeliverySettings | None] = TTLCache(
            REMEMBERED, ROTATION_SECONDS, timer=lambda: clock.now().timestamp()
        )
        self._load: Batcher[UUID, DeliverySettings] = Batcher(self._load_batch, max_size=200)
        self._load_current: Batcher[UUID, DeliverySettings | None] = Batcher(
            self._load_current_batch, max_size=200
        )

    async def __call__(self, revision_id: UUID) -> DeliverySettings:
        """The settings of a revision."""
        known = self._known.get(revision_id)
        if known is None:
            known = self._known[revision_id] = await self._load(revision_id)
        return known

    async def current(self, trigger_id: UUID) -> DeliverySettings | None:
        """The settings of a trigger's present revision, if that wants retries to follow edits."""
        if trigger_id not in self._current:
            self._current[trigger_id] = await self._load_current(trigger_id)
        return self._current.get(trigger_id)

    async def _load_batch(self, revision_ids: Sequence[UUID]) -> list[DeliverySettings]:
        found = await self._triggers.delivery_settings(revision_ids)
        return [found[id] for id in revision_ids]

    async def _load_current_batch(
        self, trigger_ids: Sequence[UUID]
    ) -> list[DeliverySettings | None]:
        found = await self._triggers.current_settings(trigger_ids)
        return [found.get(id) for id in trigger_ids]
