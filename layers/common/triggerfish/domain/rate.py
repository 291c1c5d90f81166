"""A rate with bursts: the generic cell rate algorithm, a token bucket whose state is one number."""

from dataclasses import dataclass

BURST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second, and as many at once as would come in `burst_seconds`; 0 is no limit."""

    per_second: float
    burst_seconds: float = BURST_SECONDS

    def admit(self, due: float, now: float) -> tuple[float, float]:
        """The new state, and 0.0 or the seconds to wait: then the state stays as it is.

        `due` is when the next one would come at the plain rate, in seconds as `now`; 0.0 at first.
        """
        if self.per_second <= 0:
            return due, 0.0
        after = max(due, now) + 1 / self.per_second
        wait = after - now - max(self.burst_seconds, 1 / self.per_second)
        return (due, wait) if wait > 1e-9 else (after, 0.0)
