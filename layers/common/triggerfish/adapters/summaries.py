"""Summaries of public events: made once for each state of an event, remembered up to a bound."""

import asyncio

from cachetools import LRUCache

from triggerfish.domain.catalogue_event import PublicEvent
from triggerfish.domain.catalogue_summary import summary_key, summary_text
from triggerfish.ports import Summariser


class TemplateSummariser:
    """Fills the event's fields into sentences. A model may stand here: it answers 50-100 tokens."""

    async def summarise(self, event: PublicEvent) -> str:
        return summary_text(event)


class RememberedSummaries:
    """Texts by a hash of what the public sees: a changed event is another key, never stale text.

    Calls that come while one text is made wait for it: a burst on a new event makes it once.
    """

    def __init__(self, summariser: Summariser, *, remembered: int) -> None:
        self._summariser = summariser
        self._known: LRUCache[bytes, str] = LRUCache(remembered)
        self._making: dict[bytes, asyncio.Task[str]] = {}

    async def find(self, event: PublicEvent) -> tuple[str, bool]:
        """The text, and False for the one call that had it made."""
        key = summary_key(event)
        known = self._known.get(key)
        if known is not None:
            return known, True
        making, hit = self._making.get(key), True
        if making is None:
            hit = False
            making = self._making[key] = asyncio.create_task(self._make(key, event))
            making.add_done_callback(lambda _: self._making.pop(key))
        return await asyncio.shield(making), hit  # the others wait on when one reader goes away

    async def _make(self, key: bytes, event: PublicEvent) -> str:
        text = self._known[key] = await self._summariser.summarise(event)
        return text
