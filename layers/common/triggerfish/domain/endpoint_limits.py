"""What an endpoint takes at once and in a second, and the key that its limits are counted by."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

from triggerfish.domain.whole_number import whole_number

MAX_CONCURRENCY = 50
MIN_RATE_PER_SECOND, MAX_RATE_PER_SECOND = 0.01, 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """Deliveries at once (None: the platform's setting), and the least time between two starts."""

    max_concurrency: int | None = None
    interval: timedelta | None = None


def endpoint_key(
    url: str, *, max_concurrency: int | None = None, rate_per_second: float | None = None
) -> str:
    """A short stable name of the receiver: the URL without query and fragment, hashed (16 hex).

    A query that varies is no way round the limits. Limits of its own are written behind the hash
    (`9f86d081884c7d65;3;0.5`): so they are known to whoever has the key, before any look-up.
    """
    parts = urlsplit(url)
    receiver = urlunsplit((parts.scheme, parts.netloc.lower(), parts.path or "/", "", ""))
    digest = hashlib.sha256(receiver.encode()).hexdigest()[:16]
    if max_concurrency is None and rate_per_second is None:
        return digest
    rate = "" if rate_per_second is None else repr(rate_per_second)
    return f"{digest};{max_concurrency or ''};{rate}"


def receiver_of(key: str) -> str:
    """What an endpoint key says of the receiver, whatever limits the trigger gives it."""
    return key.partition(";")[0]


@lru_cache(maxsize=10_000)
def limits_of(key: str) -> Limits:
    """The limits in an endpoint key."""
    if ";" not in key:
        return Limits()
    _, concurrency, rate = key.split(";")
    return Limits(
        int(concurrency) if concurrency else None,
        timedelta(seconds=1 / float(rate)) if rate else None,
    )


def parse_max_concurrency(raw: object) -> int | None:
    """Raises ValueError with a message for the customer."""
    if raw is None:
        return None
    number = whole_number(raw, 1, MAX_CONCURRENCY)
    if number is None:
        raise ValueError(f"must be a whole number from 1 to {MAX_CONCURRENCY}")
    return number


def parse_rate(raw: object) -> float | None:
    """Raises ValueError with a message for the customer."""
    if raw is None:
        return None
    is_number = isinstance(raw, int | float) and not isinstance(raw, bool)
    if not is_number or not MIN_RATE_PER_SECOND <= raw <= MAX_RATE_PER_SECOND:  # type: ignore[operator]
        raise ValueError(f"must be a number from {MIN_RATE_PER_SECOND} to {MAX_RATE_PER_SECOND}")
    return float(raw)  # type: ignore[arg-type]
