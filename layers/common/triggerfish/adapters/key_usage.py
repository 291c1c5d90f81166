"""When keys were last used: written behind the caller's back, at most once a minute and key."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from triggerfish.adapters.db.keys import Keys
from triggerfish.domain.access import StoredKey
from triggerfish.domain.errors import TryLater

INTERVAL = timedelta(minutes=1)


class KeyUsage:
    """Writes in tasks of its own: no request waits for them. `close` waits for those under way.

    The row that authenticates a call says when the key was last noted, so nothing is remembered
    here but the writes that have not ended.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._writing: dict[UUID, asyncio.Task[None]] = {}

    def note(self, key: StoredKey, *, now: datetime) -> None:
        fresh = key.last_used_at is not None and now - key.last_used_at < INTERVAL
        if fresh or key.id in self._writing:
            return
        self._writing[key.id] = asyncio.create_task(self._write(key.id, now))

    async def close(self) -> None:
        await asyncio.gather(*self._writing.values())

    async def _write(self, key_id: UUID, now: datetime) -> None:
        try:
            await self._keys.touch(key_id, now=now, unless_since=now - INTERVAL)
        except TryLater:
            pass  # the next call with this key notes it
        finally:
            del self._writing[key_id]
