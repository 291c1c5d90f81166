"""Limits of endpoints: who may post now, whose turn is when, and which have work waiting."""

from collections import Counter
from datetime import datetime

from triggerfish.domain.endpoint_limits import limits_of

REMEMBERED = 10_000


class Slots:
    """Counts posts under way and their starts per endpoint key, in one worker process.

    An event that finds no free slot is parked: its row waits in the database, and whoever frees a
    slot of that endpoint pulls the next row. `parked` is a mark that grows with every parking, so
    that a pull which found nothing cannot wipe out a parking that came after it looked.

    Where an endpoint has a rate, who holds a slot also reserves a turn for each post. Turns are an
    interval apart and never in the past, so there are no bursts, after a pause neither.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._taken: Counter[str] = Counter()
        self._parked: dict[str, int] = {}
        self._next_turn: dict[str, datetime] = {}
        self._wakes_at: dict[str, datetime] = {}

    def take(self, endpoint: str) -> bool:
        """Take a slot if one is free; otherwise park."""
        if self._taken[endpoint] >= (limits_of(endpoint).max_concurrency or self._cap):
            self.park(endpoint)
            return False
        self._taken[endpoint] += 1
        return True

    def release(self, endpoint: str) -> None:
        self._taken[endpoint] -= 1
        if self._taken[endpoint] <= 0:
            del self._taken[endpoint]

    def next_turn(self, endpoint: str, now: datetime) -> datetime:
        """When the next post may start, as things are."""
        return max(now, self._next_turn.get(endpoint, now))

    def reserve(self, endpoint: str, now: datetime, *, until: datetime) -> datetime | None:
        """The next turn, which is then taken; None if there is none before `until`."""
        turn = self.next_turn(endpoint, now)
        if turn >= until:
            return None
        interval = limits_of(endpoint).interval
        if interval is not None:
            _remember(self._next_turn, endpoint, turn + interval, now)
        return turn

    def wake(self, endpoint: str, now: datetime, at: datetime) -> bool:
        """Whether somebody has to be sent to the endpoint at `at`; False if one is under way."""
        if self._wakes_at.get(endpoint, now) > now:
            return False
        if at > now:
            _remember(self._wakes_at, endpoint, at, now)
        return True

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


def _remember(times: dict[str, datetime], endpoint: str, at: datetime, now: datetime) -> None:
    """Set a time; those that are past mean nothing any more and go when there are many."""
    times[endpoint] = at
    if len(times) > REMEMBERED:
        for past in [key for key, then in times.items() if then <= now]:
            del times[past]
