"""Answers that carry an `ETag`, and are `304` for who has them already."""

from typing import Any

from triggerfish.edge.openapi.operation import Answer
from triggerfish.edge.openapi.schema import TEXT, ref

KNOWN = {
    "If-None-Match": {
        "description": "An `ETag` from before: what has not changed is answered `304`.",
        "schema": TEXT,
        "example": 'W/"b1986290e567d21a8ca8ea670298dc0e"',
    }
}
_CACHING = {
    "ETag": {"required": True, "schema": TEXT},
    "Cache-Control": {"required": True, "schema": TEXT},
    "Vary": {"required": True, "schema": TEXT},
}


def seen(description: str, name: str, title: str, example: Any) -> dict[int, Answer]:
    """The answers of a read whose operation takes the headers KNOWN; `name` is the schema's."""
    shown = Answer(description, ref(name), {title: example}, headers=_CACHING)
    return {200: shown, 304: Answer("Nothing has changed since that `ETag`.", headers=_CACHING)}
