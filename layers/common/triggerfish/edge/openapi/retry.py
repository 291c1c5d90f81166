"""Retry policies: waits given one by one, or by an exponential rule."""

from dataclasses import asdict

from triggerfish.domain.retry import (
    DEFAULT_DELAYS_SECONDS,
    MAX_RETRIES,
    MAX_TOTAL_SECONDS,
    Exponential,
    WhichEndpoint,
)
from triggerfish.domain.retry_parse import BOUNDS
from triggerfish.edge.openapi.schema import Schema, closed, list_of, one_of

_ENDPOINT = {
    "endpoint": one_of(*WhichEndpoint)
    | {
        "default": WhichEndpoint.ORIGINAL.value,
        "description": "Where a retry goes: as the first attempt, or to the trigger's endpoint of"
        " now. Shown if it is not the default.",
    }
}
_WAITS = closed(
    {
        "delays_seconds": list_of(
            {"type": "number", "minimum": 0, "maximum": MAX_TOTAL_SECONDS},
            maxItems=MAX_RETRIES,
            description="The waits before each retry, together at most 46 h.",
        )
    },
    _ENDPOINT,
)
_MEANING = {
    "initial_seconds": "The first wait.",
    "factor": "How much longer each further wait is.",
    "cap_seconds": "No wait is longer.",
    "max_attempts": "With the first one.",
    "jitter": "The share of a wait by which it is stretched at most.",
}


def _field(name: str, default: float) -> Schema:
    least, most = BOUNDS[name]
    return {
        "type": "integer" if name == "max_attempts" else "number",
        "minimum": least,
        "maximum": most,
        "default": default,
        "description": _MEANING[name],
    }


_RULE = {name: _field(name, default) for name, default in asdict(Exponential()).items()}

SCHEMAS: dict[str, Schema] = {
    "NewRetry": {
        "description": "Either way the waits may add up to 46 h.",
        "oneOf": [
            _WAITS,
            closed({"exponential": closed({}, _RULE)}, _ENDPOINT),
            closed(_ENDPOINT),
        ],
        "default": {"delays_seconds": list(DEFAULT_DELAYS_SECONDS)},
    },
    "Retry": {"oneOf": [_WAITS, closed({"exponential": closed(_RULE)}, _ENDPOINT)]},
}

RETRY = {"delays_seconds": [5.0, 30.0, 120.0, 600.0]}
EXPONENTIAL = {"exponential": asdict(Exponential())}
