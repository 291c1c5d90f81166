"""How many triggers a project may have, without counting them at every creation."""

from uuid import UUID

from cachetools import LRUCache

from triggerfish.adapters.db.triggers import Triggers
from triggerfish.domain.errors import Conflict


class TriggerQuota:
    """Counts, then admits a tenth of what is free before it counts again.

    So with n processes a project may pass its limit by n tenths of what was free at the last count,
    and near the limit every creation is counted.
    """

    def __init__(self, triggers: Triggers, limit: int) -> None:
        self._triggers = triggers
        self._limit = limit
        self._admitted: LRUCache[UUID, int] = LRUCache(10_000)

    async def take(self, project_id: UUID) -> None:
        """Make room for one trigger. Raises Conflict."""
        left = self._admitted.get(project_id, 0)
        if left == 0:
            free = self._limit - await self._triggers.count(project_id, enough=self._limit)
            if free <= 0:
                raise Conflict(f"The project has {self._limit} triggers, as many as it may have.")
            left = max(1, free // 10)
        self._admitted[project_id] = left - 1
