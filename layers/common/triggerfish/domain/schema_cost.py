"""An upper bound of what one payload value can cost under a schema, so that none explodes.

The *weight* of a schema is the most subschemas that can be applied to a single value of a payload,
at any depth. It multiplies where subschemas overlap: `allOf` of ten references to an `allOf` of
ten ... (billion laughs), two recursive branches that look at the same property (2^depth), and
`unevaluatedProperties`, which validates its neighbours again. Validating a payload of n values
applies at most n times the weight, and that is what `payload_schema` budgets.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from triggerfish.domain.json_payload import MAX_DEPTH
from triggerfish.domain.schema_gate import Gate, Pointer, refuse

MAX_WEIGHT = 1_000
_MAX_EDGES = 20_000
_MAX_CHAIN = 64  # references to references; each is a stack frame of the validator
# Measured: each level of unevaluated* around another costs 2.4 times the inner one.
_UNEVALUATED_FACTOR = 3

_LISTS_IN_PLACE = ("allOf", "anyOf", "oneOf")
_ONE_IN_PLACE = ("not", "if", "then", "else")
_MAPS_IN_PLACE = ("dependentSchemas", "dependencies")


@dataclass
class _Children:
    """Which schemas apply to the children of a value: by name, to unnamed ones, to items."""

    named: dict[str, Counter[Pointer]] = field(default_factory=dict)
    unnamed: Counter[Pointer] = field(default_factory=Counter)
    items: Counter[Pointer] = field(default_factory=Counter)


def weight(gate: Gate) -> int:
    """Return the schema's weight; InvalidInput if it is above MAX_WEIGHT or loops on the spot."""
    in_place = _InPlace(gate)
    closures = {pointer: in_place.closure(pointer) for pointer in gate.schemas}
    if sum(map(len, closures.values())) > _MAX_EDGES:
        raise _too_complex()
    children = {pointer: _children(gate, closure) for pointer, closure in closures.items()}
    bounds = {pointer: closure.total() for pointer, closure in closures.items()}
    heaviest = bounds[()]
    for _ in range(MAX_DEPTH):
        deeper = {pointer: _below(children[pointer], bounds) for pointer in bounds}
        heaviest = max(heaviest, deeper[()])
        if heaviest > MAX_WEIGHT:
            raise _too_complex()
        if deeper == bounds:
            break
        bounds = deeper
    return heaviest


def _too_complex() -> Exception:
    return refuse((), "is too complex: too many subschemas apply to the same value")


class _InPlace:
    """For each schema, the schemas applied to the same value with it, and how often each."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._known: dict[Pointer, tuple[Counter[Pointer], int]] = {}
        self._open: set[Pointer] = set()

    def closure(self, pointer: Pointer) -> Counter[Pointer]:
        return self._closure(pointer)[0]

    def _closure(self, pointer: Pointer) -> tuple[Counter[Pointer], int]:
        if pointer in self._known:
            return self._known[pointer]
        if pointer in self._open:
            raise refuse(pointer, "refers to itself without going deeper into the payload")
        self._open.add(pointer)
        closure, height = self._join(pointer)
        self._open.discard(pointer)
        self._known[pointer] = closure, height
        return closure, height

    def _join(self, pointer: Pointer) -> tuple[Counter[Pointer], int]:
        joined, height = Counter({pointer: 1}), 0
        if len(self._open) > _MAX_CHAIN:
            raise _too_complex()
        for part in _parts_in_place(self._gate, pointer):
            inner, inner_height = self._closure(part)
            joined.update(inner)
            height = max(height, inner_height + 1)
        schema = self._gate.schemas[pointer]
        if isinstance(schema, dict) and _has_unevaluated(schema):
            joined = Counter({p: n * _UNEVALUATED_FACTOR for p, n in joined.items()})
        if joined.total() > MAX_WEIGHT or height > _MAX_CHAIN:
            raise _too_complex()
        return joined, height


def _has_unevaluated(schema: dict[str, Any]) -> bool:
    return "unevaluatedProperties" in schema or "unevaluatedItems" in schema


def _parts_in_place(gate: Gate, pointer: Pointer) -> Iterable[Pointer]:
    schema = gate.schemas[pointer]
    if not isinstance(schema, dict):
        return
    target = gate.target(schema["$ref"]) if "$ref" in schema else None
    if target is not None:
        yield target
    for keyword in (*_LISTS_IN_PLACE, *_MAPS_IN_PLACE):
        yield from _inside(gate, pointer, keyword)
    for keyword in _ONE_IN_PLACE:
        if (*pointer, keyword) in gate.schemas:
            yield (*pointer, keyword)


def _inside(gate: Gate, pointer: Pointer, keyword: str) -> Iterable[Pointer]:
    """The subschemas in a keyword's list or map."""
    schema = gate.schemas[pointer]
    value = schema.get(keyword) if isinstance(schema, dict) else None
    names = value if isinstance(value, dict) else map(str, range(len(value or ())))
    candidates = ((*pointer, keyword, name) for name in names)
    return [candidate for candidate in candidates if candidate in gate.schemas]


def _children(gate: Gate, closure: Counter[Pointer]) -> _Children:
    found = _Children()
    for pointer, times in closure.items():
        if isinstance(gate.schemas[pointer], dict):
            _add_properties(gate, pointer, times, found)
            _add_items(gate, pointer, times, found)
    return found


def _add_properties(gate: Gate, pointer: Pointer, times: int, found: _Children) -> None:
    rest = [
        (*pointer, keyword)
        for keyword in ("additionalProperties", "unevaluatedProperties")
        if (*pointer, keyword) in gate.schemas
    ]
    patterns = list(_inside(gate, pointer, "patternProperties"))
    for part in (*rest, *patterns, *_present(gate, pointer, "propertyNames")):
        found.unnamed[part] += times
    for part in _inside(gate, pointer, "properties"):
        named = found.named.setdefault(part[-1], Counter())
        named[part] += times
        for other in rest:  # a property that is named here is not additional here
            named[other] -= times


def _add_items(gate: Gate, pointer: Pointer, times: int, found: _Children) -> None:
    for keyword in ("items", "additionalItems", "unevaluatedItems", "contains"):
        for part in _present(gate, pointer, keyword):
            found.items[part] += times
    for keyword in ("items", "prefixItems"):
        schema = gate.schemas[pointer]
        if isinstance(schema, dict) and isinstance(schema.get(keyword), list):
            for part in _inside(gate, pointer, keyword):
                found.items[part] = max(found.items[part], times)


def _present(gate: Gate, pointer: Pointer, keyword: str) -> list[Pointer]:
    return [(*pointer, keyword)] if (*pointer, keyword) in gate.schemas else []


def _below(children: _Children, bounds: dict[Pointer, int]) -> int:
    """The heaviest child: what applies to any child, plus what its name adds."""
    unnamed = _sum(children.unnamed, bounds)
    names = (_sum(named, bounds) for named in children.named.values())
    return max(unnamed, unnamed + max(names, default=0), _sum(children.items, bounds))


def _sum(applied: Counter[Pointer], bounds: dict[Pointer, int]) -> int:
    return sum(times * bounds[pointer] for pointer, times in applied.items())
