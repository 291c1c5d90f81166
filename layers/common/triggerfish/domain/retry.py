"""Retry policy: how long to wait before each further attempt, and when to give up."""

from dataclasses import dataclass
from datetime import timedelta

from triggerfish.domain.errors import FieldError, InvalidInput

# 0 s, 5 s, 30 s, 2 min, 10 min: a restart or a deploy is bridged in seconds, a short outage in
# minutes. Longer schedules are the customer's choice, up to the age at which the log is deleted.
DEFAULT_DELAYS_SECONDS = (5.0, 30.0, 120.0, 600.0)
MAX_RETRIES = 20
MAX_TOTAL_SECONDS = 46 * 3600.0
# An endpoint may ask for more patience than the policy has, but not hold an event for hours.
MAX_RETRY_AFTER_SECONDS = 3600.0
JITTER_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Explicit waits in seconds, one before each retry; `max_attempts` is one more."""

    delays_seconds: tuple[float, ...] = DEFAULT_DELAYS_SECONDS

    @property
    def max_attempts(self) -> int:
        return len(self.delays_seconds) + 1

    def wait_after(
        self, attempt: int, *, retry_after_seconds: float | None, jitter: float
    ) -> timedelta | None:
        """The wait after failed attempt number `attempt` (from 1), None when none is left.

        `jitter` is in [0, 1) and stretches the wait by up to a tenth, so that events which failed
        together do not come back together. A `Retry-After` only ever lengthens the wait.
        """
        if attempt > len(self.delays_seconds):
            return None
        wait = self.delays_seconds[attempt - 1] * (1 + JITTER_SHARE * jitter)
        if retry_after_seconds is not None:
            wait = max(wait, min(retry_after_seconds, MAX_RETRY_AFTER_SECONDS))
        return timedelta(seconds=wait)

    def to_json(self) -> dict[str, object]:
        return {"delays_seconds": list(self.delays_seconds)}


def parse_retry(raw: object) -> RetryPolicy:
    """Read `{"delays_seconds": [5, 30]}`; None is the default. Raises InvalidInput."""
    if raw is None:
        return RetryPolicy()
    if not isinstance(raw, dict):
        raise _invalid("retry", 'must be an object such as {"delays_seconds": [5, 30, 120]}')
    unknown = sorted(set(raw) - {"delays_seconds"})
    if unknown:
        raise _invalid(f"retry.{unknown[0]}", "unknown field; retry takes delays_seconds")
    delays = raw.get("delays_seconds")
    if not isinstance(delays, list) or len(delays) > MAX_RETRIES:
        raise _invalid("retry.delays_seconds", f"must be a list of at most {MAX_RETRIES} numbers")
    for index, delay in enumerate(delays):
        if isinstance(delay, bool) or not isinstance(delay, int | float) or not delay >= 0:
            raise _invalid(
                f"retry.delays_seconds[{index}]", "must be a number of seconds, 0 or more"
            )
    if sum(delays) > MAX_TOTAL_SECONDS:
        raise _invalid("retry.delays_seconds", "may add up to 46 hours at most")
    return RetryPolicy(tuple(float(delay) for delay in delays))


def _invalid(field: str, message: str) -> InvalidInput:
    return InvalidInput("The retry policy is not valid.", (FieldError(field, message),))
