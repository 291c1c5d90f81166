"""When keys were last used: written behind the caller's back, at most once a minute and key."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.adapters.behind import run_behind
from triggerfish.domain.access import StoredKey
from triggerfish.domain.errors import TryLater

INTERVAL = timedelta(minutes=1)


class Touch(Protocol):
    async def touch(self, key_id: UUID, *, now: datetime, unless_since: datetime) -> None: ...


class KeyUsage:
    """Writes beside the requests.

    The row that authenticates a call says when the key was last noted, so nothing is remembered
    here but the keys whose write has not ended.
    """

    def __init__(self, keys: Touch) -> None:
        self._keys = keys
        self._writing: set[UUID] = set()

    def note(self, key: StoredKey, *, now: datetime) -> None:
        fresh = key.last_used_at is not None and now - key.last_used_at < INTERVAL
        if fresh or key.id in self._writing:
            return
        self._writing.add(key.id)
        writing = run_behind(self._write(key.id, now))
        writing.add_done_callback(lambda _: self._writing.discard(key.id))

    async def _write(self, key_id: UUID, now: datetime) -> None:
        with suppress(TryLater):  # the next call with this key notes it
            await self._keys.touch(key_id, now=now, unless_since=now - INTERVAL)
