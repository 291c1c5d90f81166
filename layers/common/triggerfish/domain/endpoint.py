"""Where a trigger delivers to: URL, headers, timeout and limits, checked when it is registered.

The checks here give good messages early; what really stops a delivery from reaching inside is
`domain/egress.py`, applied to every address at connect time.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from triggerfish.domain.endpoint_limits import endpoint_key, parse_max_concurrency, parse_rate
from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.field_names import REQUIRED, shown, unknown_fields
from triggerfish.domain.hostname import parse_authority, split_port

T = TypeVar("T")

FIELDS = frozenset({"url", "headers", "timeout_seconds", "max_concurrency", "rate_per_second"})
MAX_URL_LENGTH = 2_048
MAX_HEADERS = 20
MAX_HEADER_NAME_LENGTH = 128
MAX_HEADER_VALUE_LENGTH = 4_096
DEFAULT_TIMEOUT_SECONDS = 15.0
MIN_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS = 1, 30

HTTP_URL = re.compile(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE)
NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
FIELD_VALUE = re.compile(r"[\t\x20-\x7e]*")  # RFC 9110, 5.5: new fields keep to US-ASCII

# The platform's own, those that frame the message, and those that unlock cloud metadata services.
FORBIDDEN_HEADERS = frozenset(
    (
        "accept-encoding",
        "connection",
        "date",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "metadata",
        "metadata-flavor",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
    )
)
FORBIDDEN_PREFIXES = (
    "content-",
    "proxy-",
    "sec-",
    "svix-",
    "triggerfish-",
    "webhook-",
    "x-amz-",
    "x-amzn-",
    "x-aws-",
    "x-azure-",
    "x-goog-",
    "x-google-",
    "x-identity-",  # Azure managed identity
    "x-metadata-",
    "x-ms-",
    "x-triggerfish-",
)


@dataclass(frozen=True)
class Endpoint:
    """A checked destination. Of `url`, scheme and host are normalised; the rest is as written."""

    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # may hold credentials
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    max_concurrency: int | None = None
    rate_per_second: float | None = None

    @property
    def key(self) -> str:
        """What its limits are counted by."""
        return endpoint_key(
            self.url, max_concurrency=self.max_concurrency, rate_per_second=self.rate_per_second
        )

    def to_json(self) -> dict[str, Any]:
        """The form `parse_endpoint` reads and the API shows; limits only where it has its own."""
        limits = {"max_concurrency": self.max_concurrency, "rate_per_second": self.rate_per_second}
        return {
            "url": self.url,
            "headers": dict(self.headers),
            "timeout_seconds": self.timeout_seconds,
        } | {name: limit for name, limit in limits.items() if limit is not None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Endpoint":
        """Rebuild what `to_json` wrote; it was checked then and is not checked again."""
        headers = tuple(stored["headers"].items())
        limits = (stored.get("max_concurrency"), stored.get("rate_per_second"))
        return cls(stored["url"], headers, float(stored["timeout_seconds"]), *limits)


def parse_endpoint(raw: object) -> Endpoint:
    """Check an object of FIELDS as decoded from JSON; all but `url` may be left out.

    Raises `InvalidInput` with every wrong field (`endpoint.url`, `endpoint.headers.X`, ...).
    """
    if not isinstance(raw, Mapping):
        message = 'must be an object such as {"url": "https://example.com/hook"}'
        raise _invalid([FieldError("endpoint", REQUIRED if raw is None else message)])
    problems = unknown_fields(raw, FIELDS, of="an endpoint", within="endpoint")
    url = _collect(problems, "endpoint.url", parse_url, raw.get("url"))
    headers = _parse_headers(raw.get("headers"), problems)
    timeout = _collect(
        problems, "endpoint.timeout_seconds", _parse_timeout, raw.get("timeout_seconds")
    )
    concurrency, rate = _parse_limits(raw, problems)
    if problems or url is None or timeout is None:
        raise _invalid(problems)
    return Endpoint(url, headers, timeout, concurrency, rate)


def _parse_limits(
    raw: Mapping[Any, Any], problems: list[FieldError]
) -> tuple[int | None, float | None]:
    def limit(name: str, parse: Callable[[object], T]) -> T | None:
        return _collect(problems, f"endpoint.{name}", parse, raw.get(name))

    return limit("max_concurrency", parse_max_concurrency), limit("rate_per_second", parse_rate)


def parse_url(raw: object) -> str:
    """The URL with scheme and host normalised, all else as it was written.

    Raises ValueError with a message for the customer.
    """
    if raw is None:
        raise ValueError(REQUIRED)
    if not isinstance(raw, str):
        raise ValueError("must be a text that begins with https:// or http://")
    if len(raw) > MAX_URL_LENGTH:
        raise ValueError(f"must be at most {MAX_URL_LENGTH} characters")
    if any(ch in " \\" or not ch.isprintable() for ch in raw):
        raise ValueError("must not contain white space, control characters or backslashes")
    scheme, authority, rest = _split(raw)
    if "#" in raw:
        raise ValueError("must not have a fragment")
    url = f"{scheme}://{parse_authority(authority)}{rest}"
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"must be at most {MAX_URL_LENGTH} characters")
    return url


def split_url(url: str) -> tuple[str, str, int | None, str]:
    """Scheme, host (IPv6 in brackets), port, and what is sent of the rest. Raises ValueError."""
    scheme, authority, rest = _split(parse_url(url))
    host, _, port = split_port(authority)
    return scheme, host, int(port) if port else None, _as_sent(rest)


def sent_url(url: str) -> str:
    """A checked URL as it is sent: byte for byte, but for what no request can hold."""
    scheme, authority, rest = _split(url)
    return f"{scheme}://{authority}{_as_sent(rest)}"


def _split(raw: str) -> tuple[str, str, str]:
    """Scheme, authority, and the rest as it was written."""
    parts = HTTP_URL.fullmatch(raw)
    if parts is None:
        raise ValueError("must begin with https:// or http://")
    return parts[1].lower(), parts[2], parts[3]


def _as_sent(rest: str) -> str:
    """Path and query. RFC 3987, 3.1: what is not ASCII becomes percent-encoded UTF-8."""
    path = rest if rest.startswith("/") else "/" + rest
    return path if path.isascii() else NOT_ASCII.sub(lambda found: quote(found[0]), path)


def _parse_headers(raw: object, problems: list[FieldError]) -> tuple[tuple[str, str], ...]:
    if raw is None:
        return ()
    if not isinstance(raw, Mapping):
        problems.append(FieldError("endpoint.headers", "must be an object of names and texts"))
        return ()
    if len(raw) > MAX_HEADERS:
        problems.append(FieldError("endpoint.headers", f"must be at most {MAX_HEADERS}"))
        return ()
    seen: set[str] = set()
    for name, value in raw.items():
        try:
            _check_header(name, value, seen)
        except ValueError as error:
            problems.append(FieldError(f"endpoint.headers.{shown(name)}", str(error)))
    return tuple((str(name), str(value).strip()) for name, value in raw.items())


def _check_header(name: object, value: object, seen: set[str]) -> None:
    if not isinstance(name, str) or not TOKEN.fullmatch(name) or len(name) > MAX_HEADER_NAME_LENGTH:
        raise ValueError("is not a valid header name")
    lower = name.lower()
    if lower in FORBIDDEN_HEADERS or lower.startswith(FORBIDDEN_PREFIXES):
        raise ValueError("is set by the platform or must not be sent")
    if lower in seen:
        raise ValueError("is given twice")
    seen.add(lower)
    if not isinstance(value, str) or not FIELD_VALUE.fullmatch(value):
        raise ValueError("must be a text of visible ASCII characters, spaces and tabs")
    if len(value) > MAX_HEADER_VALUE_LENGTH:
        raise ValueError(f"must be at most {MAX_HEADER_VALUE_LENGTH} characters")


def _parse_timeout(raw: object) -> float:
    if raw is None:
        return DEFAULT_TIMEOUT_SECONDS
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ValueError("must be a number of seconds")
    if not MIN_TIMEOUT_SECONDS <= raw <= MAX_TIMEOUT_SECONDS:  # also refuses NaN
        raise ValueError(f"must be between {MIN_TIMEOUT_SECONDS} and {MAX_TIMEOUT_SECONDS} seconds")
    return float(raw)


def _collect(
    problems: list[FieldError], name: str, parse: Callable[[object], T], raw: object
) -> T | None:
    try:
        return parse(raw)
    except ValueError as error:
        problems.append(FieldError(name, str(error)))
        return None


def _invalid(problems: list[FieldError]) -> InvalidInput:
    return InvalidInput("The endpoint is not valid.", tuple(problems))
