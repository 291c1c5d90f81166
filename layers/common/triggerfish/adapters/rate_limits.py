"""Rates of callers, counted in this process: several gateway processes admit as many times more."""

from collections.abc import Hashable
from contextvars import ContextVar

from cachetools import LRUCache

from triggerfish.domain.errors import TooManyRequests
from triggerfish.domain.rate import Allowance, Rate
from triggerfish.ports import Clock

REMEMBERED = 20_000

# What the caller of the present request may still send, for its answer's headers.
ALLOWANCE: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


class RateLimits:
    """One bucket for each trigger, project or address, as long as it is in use."""

    def __init__(self, policy: str, rate: Rate, clock: Clock) -> None:
        self._policy = policy
        self._rate = rate
        self._clock = clock
        self._due: LRUCache[Hashable, float] = LRUCache(REMEMBERED)

    def take(self, id: Hashable) -> None:
        """Count one request. Raises TooManyRequests."""
        now = self._clock.now().timestamp()
        due, wait = self._rate.admit(self._due.get(id, 0.0), now)
        ALLOWANCE.set(self._rate.allowance(self._policy, due, now))
        if wait:
            raise TooManyRequests("Too many requests; slow down.", wait)
        self._due[id] = due
