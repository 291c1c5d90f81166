"""What validating a payload may cost, in evaluations of 14-50 ns, from its schema and its size.

jsonschema-rs is fast, but not everywhere: patterns, members of an enum that are compared one by
one, and above all numbers, which it compares exactly: 2-4 µs for a fraction, up to 60 µs for one
with a large exponent (measured).
"""

from collections.abc import Iterable
from typing import Any

from triggerfish.domain.schema_gate import Gate

# An event loop does nothing else meanwhile: 3 million take about 0.1 s.
BUDGET = 3_000_000

COSTLY = 10  # times an ordinary keyword
COSTLY_KEYWORDS = {"pattern", "patternProperties", "uniqueItems"}
MEMBER = 20  # of an enum that is not all text or all whole numbers
FRACTION = 100
FAR_NUMBER = 3_000
FAR_VALUE = 1_500  # a far number in the payload, for each that it is compared with
FAR_BITS = 1_024  # longer ones cost more: 0.2 ms for 10,000 bits and `multipleOf`
COMPARED = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


def schema_effort(gate: Gate, weight: int) -> int:
    """What one value of a payload may cost."""
    schemas = [schema for schema in gate.schemas.values() if isinstance(schema, dict)]
    is_costly = any(COSTLY_KEYWORDS & one.keys() for one in schemas)
    compared = sum(_compared(schema) for schema in schemas)
    return weight * (COSTLY if is_costly else 1) + compared


def far_size(gate: Gate, effort: int) -> int:
    """How many other values a far number of the payload counts for; 0 if none is compared."""
    schemas = (schema for schema in gate.schemas.values() if isinstance(schema, dict))
    comparisons = sum(map(_comparisons, schemas))
    return 1 + comparisons * FAR_VALUE // effort if comparisons else 0


def payload_size(payload: object, enough: int, *, far: int) -> int:
    """Count the payload's values, stopping above `enough`; `far`: see `far_size`."""
    size, stack = 0, [payload]
    while stack and size <= enough:
        value = stack.pop()
        size += far * _length(value) if far and is_far(value) else 1
        if isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return size


def is_far(value: object) -> bool:
    """Whether an exact comparison with this number takes long digits."""
    if isinstance(value, float):
        return value != 0 and not 1e-30 < abs(value) < 1e30
    return isinstance(value, int) and value.bit_length() > 128


def _length(value: object) -> int:
    return 1 + (value.bit_length() // FAR_BITS if isinstance(value, int) else 0)


def _comparisons(schema: dict[str, Any]) -> int:
    """With how many numbers one value of a payload is compared at most."""
    members = schema.get("enum", [])
    tried = 1 if _is_hashed(members) else len(members)
    return sum(name in schema for name in ("const", *COMPARED)) + tried


def _compared(schema: dict[str, Any]) -> int:
    cost = sum(_member(schema[name]) for name in COMPARED if name in schema)
    if "const" in schema:
        cost += _member(schema["const"])
    members = schema.get("enum")
    if isinstance(members, list) and not _is_hashed(members):
        cost += sum(MEMBER + _member(member) for member in members)
    return cost


def _is_hashed(members: list[Any]) -> bool:
    return {type(member) for member in members} in ({str}, {int})


def _member(value: object) -> int:
    if isinstance(value, dict | list):
        inner: Iterable[object] = value.values() if isinstance(value, dict) else value
        return 1 + sum(map(_member, inner))
    if isinstance(value, float | int) and is_far(value):
        return FAR_NUMBER
    return FRACTION if isinstance(value, float) else 1
