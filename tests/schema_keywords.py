"""Every keyword of both drafts as heavy as the gate lets it be, over payloads that violate it.

`python -m tests.schema_keywords` measures them all in a process of its own, and prints the longest
time that one held it, with its name, and what the process grew by.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.payload_schema import Validator, compile_schema, violations

Schema = dict[str, Any]

DRAFT_07 = "http://json-schema.org/draft-07/schema#"
NAMES = [f"r{n}" for n in range(1_900)]
NULL: Schema = {"type": "null"}


def titled(count: int) -> list[Schema]:
    """Alternatives that a validator cannot take for one."""
    return [{**NULL, "title": str(n)} for n in range(count)]


KEYWORDS: dict[str, Schema] = {
    "type": NULL,
    "enum": {"enum": [[n] for n in range(600)]},
    "enum of texts": {"enum": [f"x{n}" * 8 for n in range(900)]},
    "const": {"const": {str(n): n for n in range(1_800)}},
    "multipleOf": {"multipleOf": 7},
    "maximum": {"maximum": -1},
    "exclusiveMaximum": {"exclusiveMaximum": -1},
    "minimum": {"minimum": 10**9},
    "exclusiveMinimum": {"exclusiveMinimum": 10**9},
    "maxLength": {"maxLength": 0},
    "minLength": {"minLength": 10**6},
    "pattern": {"pattern": "^x$"},
    "pattern of cost": {"pattern": "(?:[ab]{0,50}a){8}z"},
    "maxItems": {"maxItems": 0},
    "minItems": {"minItems": 10**6},
    "uniqueItems": {"uniqueItems": True},
    "contains": {"contains": NULL},
    "maxContains": {"contains": True, "maxContains": 1},
    "minContains": {"contains": NULL, "minContains": 3},
    "maxProperties": {"maxProperties": 0},
    "minProperties": {"minProperties": 10**6},
    "required": {"required": NAMES},
    "dependentRequired": {"dependentRequired": {"a0": NAMES}},
    "dependentRequired of many": {"dependentRequired": {f"a{n}": NAMES[:40] for n in range(45)}},
    "dependentSchemas": {"dependentSchemas": {"a0": {"required": NAMES}}},
    "dependencies": {"$schema": DRAFT_07, "dependencies": {"a0": NAMES}},
    "items": {"items": NULL},
    "items in a list": {"$schema": DRAFT_07, "items": [NULL] * 400, "additionalItems": False},
    "additionalItems": {"$schema": DRAFT_07, "items": [True], "additionalItems": NULL},
    "prefixItems": {"prefixItems": [NULL] * 400, "items": False},
    "unevaluatedItems": {"unevaluatedItems": False},
    "properties": {"properties": {f"a{n}": NULL for n in range(900)}},
    "patternProperties": {"patternProperties": {"a": NULL}},
    "additionalProperties": {"additionalProperties": False},
    "unevaluatedProperties": {"unevaluatedProperties": NULL},
    "propertyNames": {"propertyNames": {"pattern": "^x"}},
    "propertyNames in many ways": {"propertyNames": {"maxLength": 1, "pattern": "^x", "not": {}}},
    "propertyNames of alternatives": {
        "propertyNames": {"anyOf": [{"pattern": f"^x{n}"} for n in range(50)]}
    },
    "if, then": {"if": True, "then": {"required": NAMES}},
    "else": {"if": False, "else": NULL},
    "allOf": {"allOf": titled(600)},
    "anyOf": {"anyOf": titled(600)},
    "oneOf": {"oneOf": titled(600)},
    "not": {"not": {"title": "x" * 5_000}},
    "$ref": {"$defs": {"a": {"required": NAMES}}, "$ref": "#/$defs/a"},
    "format": {"format": "date-time"},
    "format, idn": {"format": "idn-hostname"},
    "contentMediaType, contentEncoding": {
        "$schema": DRAFT_07,
        "contentMediaType": "application/json",
        "contentEncoding": "base64",
    },
    "contentSchema": {"contentSchema": NULL},
}

PLACES: dict[str, Callable[[Schema], Schema]] = {
    "at the root": lambda schema: schema,
    "of items": lambda schema: {"items": schema},
    "of properties": lambda schema: {"additionalProperties": schema},
    "of alternatives": lambda schema: {"anyOf": [{**schema, "title": str(n)} for n in range(20)]},
    "of names": lambda schema: {"propertyNames": schema},
}


def nested(levels: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = wrap(value)
    return value


PAYLOADS: dict[str, Any] = {
    "10,000 names": {f"a{n}": 1 for n in range(9_990)},
    "2,400 names": {f"a{n}{'x' * 90}": 1 for n in range(2_400)},
    "100 names": {f"a{n}": "y" for n in range(100)},
    "long names": {f"a{n}{'x' * 2_500}": 1 for n in range(100)},
    "one long name": {"a0": 1, "x" * 250_000: 1},
    "numbers": [n + 0.5 for n in range(9_990)],
    "texts": ["ab" * 12] * 9_000,
    "long texts": ["ab" * 1_200] * 100,
    "one text": "ab" * 125_000,
    "objects": [{"a0": 1, "b": "x"}] * 3_300,
    "empty lists": [[]] * 9_990,
    "wide objects": [{f"a{n}": 1 for n in range(99)}] * 100,
    "deep objects": nested(60, lambda value: {"a0": value, **{f"k{n}": n for n in range(160)}}),
    "deep lists": nested(60, lambda value: [value] + [1] * 160),
    "long numbers": [10**300] * 800,
}


def cases() -> Iterator[tuple[str, Schema]]:
    for keyword, schema in KEYWORDS.items():
        for place, put in PLACES.items():
            apart = ("$schema", "$defs")
            top = {name: value for name, value in schema.items() if name in apart}
            inner = {name: value for name, value in schema.items() if name not in apart}
            yield f"{keyword}, {place}", json.loads(json.dumps({**put(inner), **top}))


def held(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.thread_time()
    result = work()
    return time.thread_time() - began, result


def measure() -> dict[str, Any]:
    """The longest compilation and the longest listing of violations, in ms, and the growth."""
    longest, count = (0.0, ""), 0
    before = peak_mib()
    for name, schema in cases():
        seconds, validator = held(lambda schema=schema: _compiled(schema))  # type: ignore[misc]
        longest = max(longest, (seconds, name))
        for payload_name, payload in PAYLOADS.items() if validator else ():
            seconds, _ = held(lambda v=validator, p=payload: violations(v, p))  # type: ignore[misc]
            longest, count = max(longest, (seconds, f"{name}: {payload_name}")), count + 1
    return {
        "cases": count,
        "longest_ms": round(longest[0] * 1000, 1),
        "of": longest[1],
        "growth_mib": round(peak_mib() - before, 1),
    }


def _compiled(schema: Schema) -> Validator | None:
    try:
        return compile_schema(schema)
    except InvalidInput:
        return None  # refused at registration: it never sees a payload


def peak_mib() -> float:
    """The most memory that this process has had."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise LookupError("VmHWM")


if __name__ == "__main__":
    print(json.dumps(measure()))
