"""Bodies with defaults: a test states only what matters to it."""

from typing import Any


def a_catalogue_event(**changes: Any) -> dict[str, Any]:
    return {
        "title": "Jazz Night",
        "startAt": "2999-03-05T19:30:00Z",
        "endAt": "2999-03-05T22:00:00Z",
        "location": "Blue Note, Berlin",
    } | changes


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
