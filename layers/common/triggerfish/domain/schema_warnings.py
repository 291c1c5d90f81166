"""What a schema allows and its author hardly meant: it is accepted, and the answer warns."""

from collections.abc import Iterator
from typing import Any

from triggerfish.domain.errors import FieldError
from triggerfish.domain.field_names import nearest, shown
from triggerfish.domain.field_path import field_path
from triggerfish.domain.schema_gate import Pointer, inspect
from triggerfish.domain.schema_words import KEYWORDS

MAX_WARNINGS = 10
_TYPES = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))
_HARMLESS = frozenset(("example", "externalDocs", "xml"))  # OpenAPI's, which check nothing either


def schema_warnings(schema: dict[str, Any] | None) -> list[FieldError]:
    """The most obvious mistakes of an accepted schema, at most MAX_WARNINGS."""
    found = []
    for pointer, subschema in inspect(schema).schemas.items() if schema else ():
        if isinstance(subschema, dict):
            found += list(_mistakes(pointer, subschema))
        if len(found) >= MAX_WARNINGS:
            break
    return found[:MAX_WARNINGS]


def _mistakes(pointer: Pointer, schema: dict[str, Any]) -> Iterator[FieldError]:
    for keyword, value in schema.items():
        if keyword not in KEYWORDS | _HARMLESS and not keyword.startswith("x-"):
            yield _warning((*pointer, shown(keyword)), _way_out(keyword, value))
    required, properties = schema.get("required", []), schema.get("properties", {})
    if schema.get("additionalProperties") is False and not schema.get("patternProperties"):
        for name in required:
            if name not in properties:
                message = f'names "{shown(name)}", which additionalProperties forbids: nothing fits'
                yield _warning((*pointer, "required"), message)


def _way_out(keyword: str, value: object) -> str:
    nothing = "is no keyword of JSON Schema, so it checks nothing"
    if keyword == "nullable":
        return f'{nothing}; write "type": ["…", "null"]'
    if isinstance(value, dict) or (isinstance(value, str) and value in _TYPES):
        return f"{nothing}; fields of the payload belong inside properties"
    meant = nearest(keyword, KEYWORDS)
    return f"{nothing}; did you mean {meant}?" if meant else nothing


def _warning(pointer: Pointer, message: str) -> FieldError:
    return FieldError(field_path(("schema", *pointer), root="schema"), message)
