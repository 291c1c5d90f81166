"""Where deliveries go, and how fast."""

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
from triggerfish.domain.endpoint_limits import (
    MAX_CONCURRENCY,
    MAX_RATE_PER_SECOND,
    MIN_RATE_PER_SECOND,
)
from triggerfish.edge.openapi.schema import Schema, closed, nullable

HEADER_NAME = r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$"


def any_case(name: str) -> str:
    """A regex of the name however it is written: JSON Schema's have no flags."""
    return "".join(f"[{c.upper()}{c}]" if c.isalpha() else c for c in name)


_TAKEN = "|".join(
    [
        *(f"{any_case(name)}$" for name in sorted(FORBIDDEN_HEADERS)),
        *(any_case(prefix) for prefix in FORBIDDEN_PREFIXES),
    ]
)
_TIMEOUT: Schema = {
    "type": "number",
    "minimum": MIN_TIMEOUT_SECONDS,
    "maximum": MAX_TIMEOUT_SECONDS,
    "default": DEFAULT_TIMEOUT_SECONDS,
}
_LIMITS: dict[str, Schema] = {
    "max_concurrency": {
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_CONCURRENCY,
        "description": "Deliveries under way at once.",
    },
    "rate_per_second": {
        "type": "number",
        "minimum": MIN_RATE_PER_SECOND,
        "maximum": MAX_RATE_PER_SECOND,
        "description": "Deliveries begun in a second.",
    },
}

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
                    "pattern": HEADER_NAME,
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
            **{name: nullable(schema) for name, schema in _LIMITS.items()},
        },
    ),
    "Endpoint": closed(
        {
            "url": {"type": "string", "description": "As it is called: its host in ASCII."},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            "timeout_seconds": _TIMEOUT,
        },
        _LIMITS,
    ),
}

NEW_ENDPOINT = {
    "url": "https://example.com/hook",
    "headers": {"X-Team": "ops"},
    "timeout_seconds": 15,
}
ENDPOINT = NEW_ENDPOINT | {"timeout_seconds": 15.0}
