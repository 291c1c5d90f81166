"""RFC 3339 timestamps with an offset, read into and written from aware UTC datetimes."""

import re
from datetime import UTC, datetime

# Nothing is scheduled later than this, so that adding a look-ahead or a retry cannot overflow.
LATEST = datetime(9999, 1, 1, tzinfo=UTC)

NOT_A_TIME = 'must be an RFC 3339 time with an offset, such as "2030-01-31T09:00:00+01:00"'
_NO_OFFSET = "has no offset; add one, such as Z for UTC or +01:00"
_BEYOND = "must be a time from the year 1 to 9999-01-01T00:00:00Z, the latest there is"

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def parse_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 timestamp as aware UTC, to the microsecond.

    Raises ValueError with a customer's message. Stricter than `fromisoformat`, which also takes
    week dates, basic format and missing offsets.
    """
    if not is_rfc3339(text):
        raise ValueError(_NO_OFFSET if is_rfc3339(f"{text}Z") else NOT_A_TIME)
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError(_BEYOND) from None
    except ValueError:
        raise ValueError("must be a date and a time that exist") from None
    if moment > LATEST:
        raise ValueError(_BEYOND)
    return moment


def is_rfc3339(text: str) -> bool:
    """Whether it has the shape of an RFC 3339 timestamp, be it at the end of time."""
    return _RFC3339.fullmatch(text) is not None


def format_rfc3339(moment: datetime) -> str:
    """Write an aware datetime as RFC 3339 UTC (`2026-03-08T07:00:00Z`), microseconds if any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
