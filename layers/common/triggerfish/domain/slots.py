"""Per-endpoint concurrency: who may post now, and which endpoints have work waiting for a slot."""

from collections import Counter


class Slots:
    """Counts posts under way per endpoint key, in one worker process.

    An event that finds no free slot is parked: its row waits in the database, and whoever frees a
    slot of that endpoint pulls the next row. `parked` is a mark that grows with every parking, so
    that a pull which found nothing cannot wipe out a parking that came after it looked.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._taken: Counter[str] = Counter()
        self._parked: dict[str, int] = {}

    def take(self, endpoint: str) -> bool:
        """Take a slot if one is free; otherwise park."""
        if self._taken[endpoint] >= self._cap:
            self.park(endpoint)
            return False
        self._taken[endpoint] += 1
        return True

    def release(self, endpoint: str) -> None:
        self._taken[endpoint] -= 1
        if self._taken[endpoint] <= 0:
            del self._taken[endpoint]

    def park(self, endpoint: str) -> None:
        """Note that a due row of this endpoint may be waiting."""
        self._parked[endpoint] = self._parked.get(endpoint, 0) + 1

    def parked(self, endpoint: str) -> int:
        """The endpoint's parking mark; 0 when nothing is known to wait."""
        return self._parked.get(endpoint, 0)

    def unpark(self, endpoint: str, mark: int) -> None:
        """Nothing waits any more, as seen when the mark stood at `mark`."""
        if self._parked.get(endpoint) == mark:
            del self._parked[endpoint]
