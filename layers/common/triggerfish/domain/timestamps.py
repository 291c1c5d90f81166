"""RFC 3339 timestamps with an offset, read into and written from aware UTC datetimes."""

import re
from datetime import UTC, datetime

# Nothing is scheduled later than this, so that adding a horizon or a retry can never overflow.
LATEST = datetime(9999, 1, 1, tzinfo=UTC)

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def parse_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 timestamp as aware UTC, to the microsecond; ValueError if it is not one.

    Stricter than `fromisoformat`, which also takes week dates, basic format and missing offsets.
    """
    if not is_rfc3339(text):
        raise ValueError("not an RFC 3339 timestamp with an offset")
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999") from error
    if moment > LATEST:
        raise ValueError("later than the year 9998")
    return moment


def is_rfc3339(text: str) -> bool:
    """Whether it has the shape of an RFC 3339 timestamp, be it at the end of time."""
    return _RFC3339.fullmatch(text) is not None


def format_rfc3339(moment: datetime) -> str:
    """Write an aware datetime as RFC 3339 UTC (`2026-03-08T07:00:00Z`), microseconds if any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
