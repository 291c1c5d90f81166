"""Retry policy: how long to wait before each further attempt, and when to give up."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

# 5 s and 30 s bridge a restart or a deploy, 2 and 10 min a short outage; after 13 min somebody has
# to look, and wants to know. Longer schedules are the customer's choice.
DEFAULT_DELAYS_SECONDS = (5.0, 30.0, 120.0, 600.0)
MAX_RETRIES = 20
MAX_ATTEMPTS = 100  # of an exponential policy; every attempt is kept in the event's row
# The log of an event is deleted after 48 h: its last attempt is made well before.
MAX_TOTAL_SECONDS = 46 * 3600.0
# An endpoint may ask for more patience than the policy has, but not hold an event for hours.
MAX_RETRY_AFTER_SECONDS = 3600.0
JITTER_SHARE = 0.1


class WhichEndpoint(StrEnum):
    """Where an event is sent again."""

    ORIGINAL = "original"  # that of the revision it fired with
    CURRENT = "current"  # that of the trigger as it is now


@dataclass(frozen=True, slots=True)
class Exponential:
    """Waits that grow by `factor` from `initial_seconds` up to `cap_seconds`."""

    initial_seconds: float = 5.0
    factor: float = 2.0
    cap_seconds: float = 3600.0
    max_attempts: int = 10
    jitter: float = JITTER_SHARE

    def delays_seconds(self) -> tuple[float, ...]:
        """The waits before each retry, without their jitter."""
        waits = (self.initial_seconds * self.factor**n for n in range(self.max_attempts - 1))
        return tuple(min(wait, self.cap_seconds) for wait in waits)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits in seconds, one before each retry; given one by one or by an exponential rule.

    `jitter` is the share of a wait by which it is stretched at most. `endpoint` says whether a
    retry goes where the event's first attempt went, or to the trigger's endpoint of now.
    """

    delays_seconds: tuple[float, ...] = DEFAULT_DELAYS_SECONDS
    jitter: float = JITTER_SHARE
    rule: Exponential | None = None
    endpoint: WhichEndpoint = WhichEndpoint.ORIGINAL

    @classmethod
    def exponential(
        cls, rule: Exponential, endpoint: WhichEndpoint = WhichEndpoint.ORIGINAL
    ) -> "RetryPolicy":
        return cls(rule.delays_seconds(), rule.jitter, rule, endpoint)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "RetryPolicy":
        """Rebuild what `to_json` wrote; it was checked then and is not checked again."""
        endpoint = WhichEndpoint(stored.get("endpoint", WhichEndpoint.ORIGINAL))
        if "exponential" in stored:
            return cls.exponential(Exponential(**stored["exponential"]), endpoint)
        return cls(tuple(stored["delays_seconds"]), endpoint=endpoint)

    @property
    def max_attempts(self) -> int:
        """One more than there are waits."""
        return len(self.delays_seconds) + 1

    def wait_after(
        self, attempt: int, *, retry_after_seconds: float | None, jitter: float
    ) -> timedelta | None:
        """The wait after failed attempt number `attempt` (from 1), None when none is left.

        `jitter` is in [0, 1) and stretches the wait by that much of the policy's share, so that
        events which failed together do not come back together. A `Retry-After` only ever
        lengthens the wait.
        """
        if attempt > len(self.delays_seconds):
            return None
        wait = self.delays_seconds[attempt - 1] * (1 + self.jitter * jitter)
        if retry_after_seconds is not None:
            wait = max(wait, min(retry_after_seconds, MAX_RETRY_AFTER_SECONDS))
        return timedelta(seconds=wait)

    def to_json(self) -> dict[str, object]:
        """The form `parse_retry` reads and the API shows; the endpoint only if it is not usual."""
        waits: dict[str, object] = {"delays_seconds": list(self.delays_seconds)}
        if self.rule is not None:
            waits = {"exponential": asdict(self.rule)}
        if self.endpoint is not WhichEndpoint.ORIGINAL:
            waits["endpoint"] = self.endpoint.value
        return waits


def jitter_of(event_id: UUID, attempt: int) -> float:
    """A number in [0, 1) that is as good as random, and always the same for an attempt."""
    digest = hashlib.blake2b(event_id.bytes + attempt.to_bytes(4), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


def last_attempt_at(fired_at: datetime) -> datetime:
    """The instant at which an event's last attempt begins at the latest."""
    return fired_at + timedelta(seconds=MAX_TOTAL_SECONDS)
