"""How many triggers a project may have, without counting them at every creation."""

from uuid import UUID

from cachetools import LRUCache

from triggerfish.adapters.db.triggers import Triggers


class TriggerQuota:
    """Counts, then admits a tenth of what is free before it counts again.

    So with n processes a project may pass its limit by n tenths of what was free at the last count,
    or n batches, and near the limit every creation is counted.
    """

    def __init__(self, triggers: Triggers, limit: int) -> None:
        self._triggers = triggers
        self._limit = limit
        self._admitted: LRUCache[UUID, int] = LRUCache(10_000)

    async def take(self, project_id: UUID, wanted: int) -> int:
        """Make room for up to `wanted` triggers of the project; for how many there was some."""
        left = self._admitted.get(project_id, 0)
        granted = wanted
        if left < wanted:
            free = self._limit - await self._triggers.count(project_id, enough=self._limit)
            granted = min(wanted, max(0, free))
            left = max(granted, free // 10)
        self._admitted[project_id] = left - granted
        return granted
