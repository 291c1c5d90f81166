"""Rates of callers, counted in this process: several gateway processes admit as many times more."""

from uuid import UUID

from cachetools import LRUCache

from triggerfish.domain.errors import TooManyRequests
from triggerfish.domain.rate import Rate
from triggerfish.ports import Clock

REMEMBERED = 20_000


class RateLimits:
    """One bucket for each trigger or project; only known ones get here, so none is flooded out."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._due: LRUCache[UUID, float] = LRUCache(REMEMBERED)

    def take(self, id: UUID) -> None:
        """Count one request. Raises TooManyRequests."""
        now = self._clock.now().timestamp()
        due, wait = self._rate.admit(self._due.get(id, 0.0), now)
        if wait:
            raise TooManyRequests("Too many requests; slow down.", wait)
        self._due[id] = due
