"""The `Room` port: counts in memory, and brings the counts of all processes together behind it.

A call costs two additions and a comparison. A process knows what the others have counted after
REFRESH_SECONDS at the latest, so a project may exceed its quota by what it adds in that time.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from triggerfish.adapters.behind import run_behind
from triggerfish.adapters.db.project_usage import ProjectUsage
from triggerfish.adapters.disk_space import DiskSpace
from triggerfish.domain.errors import TryLater
from triggerfish.domain.quota import Quota, Usage
from triggerfish.ports import Clock

REFRESH_SECONDS = 5.0


class CountedRoom:
    """Knows the projects that have called this process; `kept` is how long an event's log is."""

    def __init__(
        self, usage: ProjectUsage, disk: DiskSpace, quota: Quota, kept: timedelta, clock: Clock
    ) -> None:
        self._usage, self._disk, self._quota = usage, disk, quota
        self._kept, self._clock = kept, clock
        self._known: dict[UUID, Usage] = {}
        self._added: dict[UUID, Usage] = {}
        self._refresh_at = 0.0

    def take(self, project_id: UUID, *, events: int = 0, size: int = 0) -> None:
        self._disk.check()
        if not events or not (self._quota.events or self._quota.size):
            return
        known = self._known.setdefault(project_id, Usage())
        added = self._added.setdefault(project_id, Usage())
        self._refresh_when_due()
        self._quota.check(Usage(known.events + events, known.size + size))
        for counter in (known, added):
            counter.events += events
            counter.size += size

    def _refresh_when_due(self) -> None:
        now = self._clock.now()
        if now.timestamp() >= self._refresh_at:
            self._refresh_at = now.timestamp() + REFRESH_SECONDS
            run_behind(self._refresh(now))

    async def _refresh(self, now: datetime) -> None:
        """Write down what was added here, and read what was added anywhere."""
        added, self._added = self._added, {}
        counted = {id: usage for id, usage in added.items() if usage.events}
        try:
            if counted:
                hour = now.replace(minute=0, second=0, microsecond=0)
                await self._usage.add(counted, hour=hour)
        except TryLater:
            self._put_back(counted)
            return
        with suppress(TryLater):  # the counts known so far do for now
            sums = await self._usage.sums(list(added), kept_from=now - self._kept)
            for id in added:
                self._know(id, sums.get(id, Usage()))

    def _put_back(self, counted: dict[UUID, Usage]) -> None:
        for id, usage in counted.items():
            added = self._added.setdefault(id, Usage())
            added.events += usage.events
            added.size += usage.size

    def _know(self, id: UUID, stored: Usage) -> None:
        """What is stored, and what came here since it was written."""
        since = self._added.get(id, Usage())
        self._known[id] = Usage(stored.events + since.events, stored.size + since.size)
