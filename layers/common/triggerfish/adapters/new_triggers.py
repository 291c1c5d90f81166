"""The `TriggerStore` port: creations that come together share one commit (group commit)."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from triggerfish.adapters.batcher import Batcher
from triggerfish.adapters.db.triggers import Triggers
from triggerfish.adapters.trigger_quota import TriggerQuota
from triggerfish.domain.trigger_change import Standing

BATCH = 100


class NewTriggers:
    """Stores new triggers as far as their projects' quotas go."""

    def __init__(self, triggers: Triggers, quota: TriggerQuota) -> None:
        self._triggers = triggers
        self._quota = quota
        self._turn = asyncio.Lock()
        self.add: Batcher[Standing, bool] = Batcher(self.add_all, max_size=BATCH)

    async def add_all(self, new: Sequence[Standing]) -> list[bool]:
        """Store triggers in one transaction; False for each that its project has no room for."""
        async with self._turn:  # or two at once would count the same room
            wanted = Counter(one.trigger.project_id for one in new)
            room = {id: await self._quota.take(id, count) for id, count in wanted.items()}
            admitted: list[bool] = []
            for one in new:
                room[one.trigger.project_id] -= 1
                admitted.append(room[one.trigger.project_id] >= 0)
            stored = [one for one, fits in zip(new, admitted, strict=True) if fits]
            if stored:
                await self._triggers.insert(stored)
            return admitted
