"""Streams that are open in this process, counted: each holds a connection, and memory, for long."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager

from triggerfish.domain.errors import TooManyRequests

RETRY_AFTER_SECONDS = 1.0


class OpenStreams:
    """At most `total` at once, and at most `each` of one owner: a project, or an address."""

    def __init__(self, *, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._open = 0
        self._of: Counter[Hashable] = Counter()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Count one stream while the block lasts. Raises TooManyRequests."""
        if self._open >= self._total:
            raise _too_many()
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    @contextmanager
    def hold_of(self, owner: Hashable) -> Iterator[None]:
        """Likewise count it as the owner's, inside `hold`."""
        if self._of[owner] >= self._each:
            raise _too_many()
        self._of[owner] += 1
        try:
            yield
        finally:
            self._of[owner] -= 1
            if not self._of[owner]:
                del self._of[owner]


class UnprovedSockets:
    """Sockets that have not shown a key or ticket yet; they take no place of those that have.

    Above `limit` the oldest ends, not the newest: who has a key shows it at once.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: dict[asyncio.Timeout, None] = {}  # the oldest first

    @asynccontextmanager
    async def wait(self, seconds: float) -> AsyncIterator[None]:
        """Raises TimeoutError in the block after so long, or when it is the oldest of too many."""
        async with asyncio.timeout(seconds) as deadline:
            while len(self._open) >= self._limit:
                self._end_oldest()
            self._open[deadline] = None
            try:
                yield
            finally:
                self._open.pop(deadline, None)

    def _end_oldest(self) -> None:
        oldest = next(iter(self._open))
        del self._open[oldest]
        if not oldest.expired():
            oldest.reschedule(asyncio.get_running_loop().time())


def _too_many() -> TooManyRequests:
    return TooManyRequests("Too many streams are open; close one.", RETRY_AFTER_SECONDS)
