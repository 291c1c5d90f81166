"""When each endpoint that has a rate may be posted to next."""

from datetime import datetime

from triggerfish.domain.endpoint_limits import limits_of

REMEMBERED = 10_000


class Turns:
    """One process's turns by endpoint key.

    Turns are an interval apart and never in the past, so there is no burst, not after a pause
    either.
    """

    def __init__(self) -> None:
        self._next: dict[str, datetime] = {}
        self._calls: dict[str, datetime] = {}

    def next(self, endpoint_key: str, now: datetime) -> datetime:
        """When the next post may start, as things are."""
        return max(now, self._next.get(endpoint_key, now))

    def take(self, endpoint_key: str, now: datetime) -> datetime:
        """The next turn, which is then taken."""
        turn = self.next(endpoint_key, now)
        interval = limits_of(endpoint_key).interval
        if interval is not None:
            self._next[endpoint_key] = turn + interval
            _forget_past(self._next, now)
        return turn

    def call_back(self, endpoint_key: str, now: datetime, at: datetime) -> bool:
        """Whether a message has to call a worker back at `at`; False if one is on its way."""
        if self._calls.get(endpoint_key, now) > now:
            return False
        if at > now:
            self._calls[endpoint_key] = at
            _forget_past(self._calls, now)
        return True


def _forget_past(times: dict[str, datetime], now: datetime) -> None:
    """Times that are past mean nothing any more; they go when there are many."""
    if len(times) > REMEMBERED:
        for past in [key for key, at in times.items() if at <= now]:
            del times[past]
