"""What listing a payload's errors may cost, in copied values of 0.25-0.4 µs and 400 bytes.

jsonschema-rs makes all errors at once, or all that explain a failed anyOf or oneOf, and each keeps
a copy of the value that it is about: 2,400 names that do not match copied their object 2,400 times.
So the cost is the number of errors times the size of what they are about, not the number alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from triggerfish.domain.schema_gate import Gate

# Above the first only the first error is asked for, above the second (anyOf, oneOf: the first has
# all others in it) only the verdict. Measured: 60,000 copies take 15-25 ms and 24 MiB.
ALL_ERRORS_BUDGET = 60_000
FIRST_ERROR_BUDGET = 120_000

ERROR = 10  # an error itself, in copied values
CHARACTERS = 256  # of a text make one more
_NAMES = ("required", "dependentRequired", "dependencies")
_LARGE = ("enum", "const", "not")  # an error has a copy of what stands there


@dataclass(frozen=True, slots=True)
class ErrorEffort:
    """How many errors a value may have: `any` value, each `object` more, each of its names more."""

    any: int
    object: int
    name: int
    has_alternatives: bool


def schema_error_effort(gate: Gate, weight: int) -> ErrorEffort:
    """The errors that a schema of this weight can make of one value."""
    schemas = [schema for schema in gate.schemas.values() if isinstance(schema, dict)]
    keywords = {keyword for schema in schemas for keyword in schema}
    any_value = weight * max((_keywords(schema) for schema in schemas), default=1)
    names = weight * max((_required(schema) for schema in schemas), default=0)
    return ErrorEffort(
        any=any_value,
        object=names,
        name=any_value if "propertyNames" in keywords else 0,
        has_alternatives=not keywords.isdisjoint(("anyOf", "oneOf")),
    )


def listing_effort(payload: object, effort: ErrorEffort) -> int:
    """What listing all errors of the payload may cost; more than the budgets stays more."""
    return _Listing(effort).cost_of(payload)


class _Listing:
    """Adds up, from the leaves to the root, what the errors about each value copy."""

    def __init__(self, effort: ErrorEffort) -> None:
        self._effort = effort
        self._cost = 0

    def cost_of(self, payload: object) -> int:
        self._size(payload)
        return self._cost

    def _size(self, value: object) -> int:
        """How many values a copy of this one has."""
        size, errors = 1, self._effort.any
        if isinstance(value, dict):
            size += sum(map(_text, value)) + sum(map(self._size, value.values()))
            errors += self._effort.object + self._effort.name * len(value)
        elif isinstance(value, list):
            size += sum(map(self._size, value))
        elif isinstance(value, str):
            size = _text(value)
        self._cost += errors * (ERROR + size)
        return size


def _text(text: str) -> int:
    return 1 + len(text) // CHARACTERS


def _keywords(schema: dict[str, Any]) -> int:
    """At most one error for each keyword; what it holds is copied into it."""
    return len(schema) + sum(_values(schema[name]) // ERROR for name in _LARGE if name in schema)


def _required(schema: dict[str, Any]) -> int:
    """How many names the schema may miss, each an error of its own."""
    return sum(_named(schema[keyword]) for keyword in _NAMES if keyword in schema)


def _named(value: object) -> int:
    lists: Iterable[object] = value.values() if isinstance(value, dict) else (value,)
    return sum(len(names) for names in lists if isinstance(names, list))


def _values(value: object) -> int:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + sum(map(_values, inner))
    return 1
