"""What goes out to an endpoint and what comes back: one request, and a reply or a failure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from uuid import UUID

EXCERPT_CHARACTERS = 1_000
MAX_RETRY_AFTER_SECONDS = 86_400.0  # a sanity bound; the retry policy has its own, tighter one


class FailureKind(StrEnum):
    """Why no reply came; stable words, part of the event log."""

    TIMEOUT = "timeout"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_RESET = "connection_reset"
    DNS_ERROR = "dns_error"
    TLS_ERROR = "tls_error"
    DESTINATION_BLOCKED = "destination_blocked"
    PROTOCOL_ERROR = "protocol_error"


@dataclass(frozen=True)
class OutboundRequest:
    """One POST. `timeout_seconds` is wall clock, from name lookup to last byte.

    `project_id` is who the look-up of the name is counted for.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout_seconds: float
    project_id: UUID | None = None


@dataclass(frozen=True)
class Reply:
    """An HTTP answer of any status; `excerpt` is the start of its raw body as text."""

    status_code: int
    retry_after_seconds: float | None
    excerpt: str


@dataclass(frozen=True)
class SendFailure:
    """No complete HTTP answer. `message` is for the customer: no address, no internals."""

    kind: str
    message: str


def excerpt_of(raw: bytes) -> str:
    """The first characters of a body as storable text: bad UTF-8 replaced, NUL removed."""
    return raw.decode("utf-8", "replace").replace("\0", "")[:EXCERPT_CHARACTERS]


def parse_retry_after(value: str | None, date: str | None, now: datetime) -> float | None:
    """Seconds to wait by a `Retry-After` header (RFC 9110, 10.2.3), within 0 and one day.

    An HTTP-date counts from the reply's own `Date`, so a wrong clock there does no harm, else
    from `now`. None when absent or unreadable.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), MAX_RETRY_AFTER_SECONDS)
    until = _http_date(text)
    if until is None:
        return None
    start = _http_date(date or "") or now
    return min(max((until - start).total_seconds(), 0.0), MAX_RETRY_AFTER_SECONDS)


def _http_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
