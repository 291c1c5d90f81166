"""A rate with bursts: the generic cell rate algorithm, a token bucket whose state is one number."""

from dataclasses import dataclass
from math import ceil, floor

BURST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a caller may still send: `remaining` now, all of `quota` again in `reset_seconds`."""

    policy: str
    quota: int
    window_seconds: int
    remaining: int
    reset_seconds: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """As draft-ietf-httpapi-ratelimit-headers has them."""
        policy = f'"{self.policy}";q={self.quota};w={self.window_seconds}'
        state = f'"{self.policy}";r={self.remaining};t={self.reset_seconds}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


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

    def allowance(self, policy: str, due: float, now: float) -> Allowance | None:
        """What is left in that state; None without a limit."""
        if self.per_second <= 0:
            return None
        taken = max(due - now, 0.0) * self.per_second
        quota = max(floor(self.burst_seconds * self.per_second), 1)
        return Allowance(
            policy,
            quota,
            max(ceil(self.burst_seconds), ceil(1 / self.per_second)),
            max(floor(quota - taken + 1e-6), 0),
            max(ceil(due - now), 0),
        )
