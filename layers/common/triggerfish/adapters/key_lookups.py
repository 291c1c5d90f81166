"""API keys by prefix: concurrent look-ups share a statement, so guessing costs one connection.

Nothing is remembered, neither keys nor their absence: a revoked key ends at once, and a bad key
takes as long as a good one.
"""

from collections.abc import Sequence

from triggerfish.adapters.batcher import Batcher
from triggerfish.adapters.db.keys import Keys
from triggerfish.domain.access import StoredKey

LOOKUPS_AT_ONCE = 200


class KeyLookups:
    """The `KeyFinder` port."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.find: Batcher[str, StoredKey | None] = Batcher(
            self._find_batch, max_size=LOOKUPS_AT_ONCE
        )

    async def _find_batch(self, prefixes: Sequence[str]) -> list[StoredKey | None]:
        found = await self._keys.find(prefixes)
        return [found.get(prefix) for prefix in prefixes]
