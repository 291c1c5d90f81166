"""The registration gate for JSON Schemas written by users: size, shape and references.

A walk that knows where a keyword's value is a schema, a map of schemas, or mere data, so that a
property called `$ref` is a property. What it lets through is small, local and resolvable; what it
may cost to validate is for `schema_cost`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from triggerfish.domain.errors import FieldError, InvalidInput

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_NODES = 2_000
MAX_PATTERN_LENGTH = 256
MAX_ENUM_VALUES = 1_000
MAX_PATTERNS = 100
DRAFT_07 = "http://json-schema.org/draft-07/schema"
DRAFT_2020_12 = "https://json-schema.org/draft/2020-12/schema"

MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
DATA = ("enum", "const", "default", "examples", "required", "dependentRequired")
# They change what a reference means, or allow recursion that cannot be followed here.
UNSUPPORTED = ("$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$anchor")

Pointer = tuple[str, ...]
Schema = dict[str, Any] | bool


@dataclass
class Gate:
    """The subschemas found by their pointers, and the references among them."""

    root: dict[str, Any]
    schemas: dict[Pointer, Schema] = field(default_factory=dict)
    nodes: int = 0
    patterns: int = 0

    def target(self, reference: str) -> Pointer | None:
        """The pointer a local reference means, if a subschema is there."""
        if not reference.startswith("#"):
            return None
        tokens = unquote(reference[1:]).split("/")
        pointer = tuple(t.replace("~1", "/").replace("~0", "~") for t in tokens[1:])
        return pointer if tokens[0] == "" and pointer in self.schemas else None


def refuse(path: Pointer, message: str) -> InvalidInput:
    """An InvalidInput whose field is the schema's path with dots: `schema.items.pattern`."""
    where = ".".join(["schema", *(token[:64] for token in path)])
    return InvalidInput("The schema is not accepted.", (FieldError(where, message),))


def inspect(schema: object) -> Gate:
    """Check size, depth, number of nodes, patterns, enums, dialect and references."""
    if not isinstance(schema, dict):
        raise refuse((), "must be an object")
    gate = Gate(schema)
    _walk_schema(gate, schema, ())
    _check_size(schema)
    _check_dialect(schema)
    for pointer, subschema in gate.schemas.items():
        _check_reference(gate, pointer, subschema)
    return gate


def _check_size(schema: dict[str, Any]) -> None:
    try:
        size = len(json.dumps(schema, ensure_ascii=False, allow_nan=False).encode())
    except ValueError as error:  # NaN, a lone surrogate, or an integer of thousands of digits
        raise refuse((), "must be JSON, without NaN, lone surrogates or giant numbers") from error
    if size > MAX_BYTES:
        raise refuse((), f"must be at most {MAX_BYTES} bytes long")


def _check_dialect(schema: dict[str, Any]) -> None:
    dialect = schema.get("$schema", DRAFT_2020_12)
    if not isinstance(dialect, str) or dialect.removesuffix("#") not in (DRAFT_07, DRAFT_2020_12):
        raise refuse(("$schema",), f'must be "{DRAFT_2020_12}" or "{DRAFT_07}#"')


def _check_reference(gate: Gate, pointer: Pointer, schema: Schema) -> None:
    reference = schema.get("$ref") if isinstance(schema, dict) else None
    if reference is None:
        return
    path = (*pointer, "$ref")
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise refuse(path, 'must point into this schema, such as "#/$defs/item"')
    if gate.target(reference) is None:
        raise refuse(path, "points to no schema in this document")


def _count(gate: Gate, pointer: Pointer) -> None:
    gate.nodes += 1
    if len(pointer) > MAX_DEPTH:
        raise refuse(pointer[:3], f"must be nested at most {MAX_DEPTH} levels deep")
    if gate.nodes > MAX_NODES:
        raise refuse((), f"must have at most {MAX_NODES} values")


def _walk_data(gate: Gate, value: object, pointer: Pointer) -> None:
    _count(gate, pointer)
    for key, item in _items(value):
        _walk_data(gate, item, (*pointer, key))


def _walk_schema(gate: Gate, value: object, pointer: Pointer) -> None:
    """Walk where a schema may stand; a list of schemas counts as such (`allOf`, old `items`)."""
    if not isinstance(value, dict | bool):
        _count(gate, pointer)
        for key, item in _items(value):
            _walk_schema(gate, item, (*pointer, key))
        return
    _count(gate, pointer)
    gate.schemas[pointer] = value
    if isinstance(value, dict):
        _check_keywords(value, pointer)
        _count_patterns(gate, value)
        for keyword, inner in value.items():
            _walk_keyword(gate, keyword, inner, (*pointer, keyword))


def _walk_keyword(gate: Gate, keyword: str, value: object, pointer: Pointer) -> None:
    if keyword in DATA:
        _walk_data(gate, value, pointer)
    elif (keyword in MAPS or keyword == "dependencies") and isinstance(value, dict):
        _count(gate, pointer)
        for name, inner in value.items():
            _walk_schema(gate, inner, (*pointer, name))
    else:
        _walk_schema(gate, value, pointer)


def _items(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((str(index), item) for index, item in enumerate(value))


def _check_keywords(schema: dict[str, Any], pointer: Pointer) -> None:
    for keyword in (*UNSUPPORTED, "$vocabulary"):
        if keyword in schema:
            raise refuse((*pointer, keyword), "is not supported")
    for keyword in ("$id", "$schema"):
        if pointer and keyword in schema:
            raise refuse((*pointer, keyword), "is allowed at the top only")
    if any(len(pattern) > MAX_PATTERN_LENGTH for pattern in patterns_of(schema)):
        raise refuse((*pointer, "pattern"), f"must be at most {MAX_PATTERN_LENGTH} characters long")
    enum = schema.get("enum")
    if isinstance(enum, list) and len(enum) > MAX_ENUM_VALUES:
        raise refuse((*pointer, "enum"), f"must list at most {MAX_ENUM_VALUES} values")


def patterns_of(schema: Schema) -> list[str]:
    """The patterns that stand in a schema itself, not in those inside it."""
    if isinstance(schema, bool):
        return []
    names, pattern = schema.get("patternProperties"), schema.get("pattern")
    found = list(names) if isinstance(names, dict) else []
    return [*found, pattern] if isinstance(pattern, str) else found


def _count_patterns(gate: Gate, schema: Schema) -> None:
    gate.patterns += len(patterns_of(schema))
    if gate.patterns > MAX_PATTERNS:
        raise refuse((), f"must have at most {MAX_PATTERNS} patterns")
