"""Bodies with defaults: a test states only what matters to it."""

from typing import Any


def a_scheduled_trigger(url: str, **changes: Any) -> dict[str, Any]:
    return {
        "type": "scheduled",
        "name": "nightly",
        "schedule": {"in": "5s"},
        "endpoint": {"url": url},
        "payload": {"hello": "world"},
    } | changes


def an_api_trigger(url: str, **changes: Any) -> dict[str, Any]:
    return {
        "type": "api",
        "name": "orders",
        "schema": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "integer"}, "note": {"type": "string"}},
        },
        "endpoint": {"url": url},
    } | changes
