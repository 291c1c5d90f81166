"""Where deliveries go, and how often they are tried."""

from triggerfish.domain.endpoint import (
    DEFAULT_TIMEOUT_SECONDS,
    FORBIDDEN_HEADERS,
    FORBIDDEN_PREFIXES,
    MAX_HEADER_NAME_LENGTH,
    MAX_HEADER_VALUE_LENGTH,
    MAX_HEADERS,
    MAX_TIMEOUT_SECONDS,
    MAX_URL_LENGTH,
    MIN_TIMEOUT_SECONDS,
)
from triggerfish.domain.retry import DEFAULT_DELAYS_SECONDS, MAX_RETRIES, MAX_TOTAL_SECONDS
from triggerfish.edge.openapi.schema import Schema, closed, list_of, nullable


def _any_case(name: str) -> str:
    """A regex of the name however it is written: JSON Schema's have no flags."""
    return "".join(f"[{c.upper()}{c}]" if c.isalpha() else c for c in name)


_TAKEN = "|".join(
    [
        *(f"{_any_case(name)}$" for name in sorted(FORBIDDEN_HEADERS)),
        *(_any_case(prefix) for prefix in FORBIDDEN_PREFIXES),
    ]
)
_TIMEOUT: Schema = {
    "type": "number",
    "minimum": MIN_TIMEOUT_SECONDS,
    "maximum": MAX_TIMEOUT_SECONDS,
    "default": DEFAULT_TIMEOUT_SECONDS,
}
_DELAYS = list_of(
    {"type": "number", "minimum": 0, "maximum": MAX_TOTAL_SECONDS},
    maxItems=MAX_RETRIES,
    description="The waits before each retry, together at most 46 h.",
)

SCHEMAS: dict[str, Schema] = {
    "NewEndpoint": closed(
        {
            "url": {
                "type": "string",
                "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s\\#]+$",
                "format": "http-url",
                "description": f"At most {MAX_URL_LENGTH:,} characters; without a user name, a"
                " password or a fragment.",
            }
        },
        {
            "headers": {
                "type": ["object", "null"],
                "maxProperties": MAX_HEADERS,
                "propertyNames": {
                    "pattern": r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$",
                    "maxLength": MAX_HEADER_NAME_LENGTH,
                    "not": {"pattern": f"^(?:{_TAKEN})"},
                },
                "additionalProperties": {
                    "type": "string",
                    "pattern": r"^[\t -~]*$",
                    "maxLength": MAX_HEADER_VALUE_LENGTH,
                },
                "description": "Sent with each delivery; those that the platform sets are refused.",
            },
            "timeout_seconds": nullable(_TIMEOUT),
        },
    ),
    "Endpoint": closed(
        {
            "url": {"type": "string", "description": "As it is called: its host in ASCII."},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            "timeout_seconds": _TIMEOUT,
        }
    ),
    "Retry": closed(
        {"delays_seconds": _DELAYS}, default={"delays_seconds": list(DEFAULT_DELAYS_SECONDS)}
    ),
}

NEW_ENDPOINT = {
    "url": "https://example.com/hook",
    "headers": {"X-Team": "ops"},
    "timeout_seconds": 15,
}
ENDPOINT = NEW_ENDPOINT | {"timeout_seconds": 15.0}
RETRY = {"delays_seconds": [5.0, 30.0, 120.0, 600.0]}
