"""Schemas and payloads that are meant to keep a validator busy, for tests of every level."""

import json
from random import Random
from typing import Any

Schema = dict[str, Any]


def recursive(node: Schema) -> Schema:
    return {"$defs": {"n": node}, "$ref": "#/$defs/n"}


def laughs(levels: int) -> Schema:
    """Ten references to ten references to ten ..."""
    defs: Schema = {f"l{i}": {"allOf": [{"$ref": f"#/$defs/l{i + 1}"}] * 10} for i in range(levels)}
    return {"$defs": {**defs, f"l{levels}": {"type": "integer"}}, "$ref": "#/$defs/l0"}


def nested(keyword: str, levels: int) -> Schema:
    schema: Schema = {}
    for _ in range(levels):
        schema = {keyword: schema}
    return schema


def nested_unevaluated(levels: int) -> Schema:
    schema: Schema = {"properties": {"a": {"type": "integer"}}}
    for _ in range(levels):
        schema = {"anyOf": [schema], "unevaluatedProperties": False}
    return schema


def chain(length: int) -> Schema:
    links: Schema = {f"a{i}": {"$ref": f"#/$defs/a{i + 1}"} for i in range(length)}
    return {"$defs": {**links, f"a{length}": True}, "$ref": "#/$defs/a0"}


def times(count: int, schema: Schema) -> Schema:
    """As many different schemas that all apply."""
    return {"allOf": [{**schema, "title": f"{n}"} for n in range(count)]}


SAME: Schema = {"properties": {"a": {"$ref": "#/$defs/n"}}}
TWICE: list[Schema] = [SAME, {**SAME, "minProperties": 1}]
JSON_LIKE: Schema = {
    "anyOf": [
        {"type": ["string", "null"]},
        {"type": "array", "items": {"$ref": "#"}},
        {"type": "object", "additionalProperties": {"$ref": "#"}},
    ]
}
COSTLY_PATTERN = "(?:[ab]{0,50}a){8}z"  # 36 µs a character
AB = "".join(Random(7).choices("ab", k=240_000))
UNIQUE: Schema = {"uniqueItems": True}

REFUSED: dict[str, Schema] = {
    "reference over http": {"$ref": "http://127.0.0.1:9/x"},
    "reference to a file": {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
    "dialect of one's own": {"$schema": "http://127.0.0.1:9/own"},
    "reference to itself": {"$ref": "#"},
    "endless recursion": {"allOf": [{"$ref": "#"}]},
    "huge repetition": {"pattern": "((a{1000}){1000}){1000}"},
    "look-around": {"pattern": "(?=a)b"},
    "billion laughs of 5 levels": laughs(5),
    "billion laughs of 9 levels": laughs(9),
    "dynamic references": {"$defs": {"n": {"$dynamicAnchor": "n"}}, "$dynamicRef": "#n"},
    "two recursive branches": recursive({"anyOf": TWICE}),
    "nested unevaluatedProperties": nested_unevaluated(12),
    "a chain of references": chain(300),
    "nested deeply": nested("items", 200),
    "thousands of values": {"enum": [[0] * 50] * 50},
    "hundreds of patterns": {"allOf": [{"pattern": f"^a{{{n}}}$"} for n in range(300)]},
    "one wrong of many": {"allOf": [{"type": "string", "minLength": n} for n in range(470)] + [{"type": "x"}]},
    "wrong in many ways": {"properties": {f"k{n}": {"type": n} for n in range(45)}},
}  # fmt: skip

ACCEPTED: dict[str, Schema] = {
    "as many schemas as may be": {"allOf": [{"type": "string", "minLength": n} for n in range(480)]},
    "as many patterns as may be": {"allOf": [{"pattern": f"^\\w{{{n}}}[a-z]{{{n % 50},60}}$"} for n in range(100)]},
    "large patterns": {"allOf": [{"pattern": f"(?:[ab]{{0,50}}a){{20}}z{n}"} for n in range(30)]},
    "overlapping branches": {"anyOf": [{"properties": {f"k{n}": {"const": n}}} for n in range(300)]},
    "billion laughs of 2 levels": laughs(2),
}  # fmt: skip

PAYLOADS: dict[str, tuple[Schema, Any]] = {
    "backtracking": ({"pattern": "^(a+)+$"}, "a" * 200_000 + "!"),
    "costly pattern, one text": ({"pattern": COSTLY_PATTERN}, AB),
    "costly pattern, many texts": ({"items": {"pattern": COSTLY_PATTERN}}, [AB[:900]] * 250),
    "costly pattern, names": ({"patternProperties": {COSTLY_PATTERN: True}}, {AB: 1}),
    "small pattern, text of its worst": ({"pattern": "[ab]*a[ab]{14}c"}, AB),
    "many patterns, one text": ({"allOf": [{"pattern": "^(a|b)*$"}] * 100}, AB),
    "many patterns, many texts": ({"items": {"allOf": [{"pattern": "^(a|b)*$"}] * 100}}, ["ab"] * 9_990),
    "format": (times(90, {"format": "idn-hostname"}), "\u00e9" * 40_000),
    "unique, 30 times, fractions": (times(30, UNIQUE), [n + 0.5 for n in range(9_600)]),
    "unique, 30 times, short lists": (times(30, UNIQUE), [[*range(680), n] for n in range(14)]),
    "unique, short lists of far numbers": (UNIQUE, [[float(f"{n + 1}e-300") for n in range(680)] + [n] for n in range(14)]),
    "unique, of one hash, 64 bits": (UNIQUE, [2**62 + n for n in range(9_900)]),
    "unique, of one hash, 67 bits": (UNIQUE, [2**66 + n for n in range(9_900)]),
    "unique, of one hash, 1,000 bits": (UNIQUE, [10**300 + n for n in range(800)]),
    "unique, 3,000 objects": (UNIQUE, [{"a": n} for n in range(3_000)]),
    "enum of fractions": ({"items": {"enum": [n + 0.5 for n in range(900)]}}, [899.5] * 9_990),
    "enum of objects": ({"items": {"enum": [{"a": n} for n in range(600)]}}, [{"a": 599}] * 4_900),
    "enum of mixed values, far numbers": ({"items": {"enum": [*range(900), "a"]}}, [1e-300] * 9_990),
    "const, 300 times": ({"items": {"allOf": [{"not": {"const": n}} for n in range(300)]}}, [-1] * 3_000),
    "far multiples": ({"items": {"multipleOf": 1e-300}}, [1e300] * 9_990),
    "far minimum": ({"items": {"minimum": 0.5}}, [1e-300] * 9_990),
    "a million errors": ({"allOf": [{"items": {"type": "string"}}] * 200}, [1] * 9_990),
    "errors of alternatives": ({"anyOf": [{"items": {"type": "string"}}, {"items": {"type": "null"}}]}, [1] * 9_990),
    "recursion": (JSON_LIKE, {f"k{n}": [1] * 100 for n in range(90)}),
    "laughs": (laughs(2), ["x"] * 9_990),
    "nested deeply": (JSON_LIKE, json.loads("[" * 250 + "]" * 250)),
}  # fmt: skip
