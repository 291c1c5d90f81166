"""What validating a payload may cost, in evaluations of 14-50 ns, from its schema and its values.

jsonschema-rs is fast, but not everywhere (all measured):

- numbers are compared exactly: 2-4 µs for a fraction, up to 60 µs for one with a large exponent;
- members of an enum are compared one by one unless all are texts or all whole numbers;
- `uniqueItems` compares the items of a list of up to 14 pair by pair: fractions with an exponent
  took 3 s. In longer lists items have a hash, but whole numbers that are one and the same as
  fractions (2^64 and 2^64 + 1) have the same one: 1,000 of them took 1.3 s, 10,000 over a minute;
- patterns are linear in the text, times the size of the compiled pattern: 1-80 ns a character for
  small ones, but 36 µs for `(?:[ab]{0,50}a){8}z`, which took 9 s for 250,000 characters.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from triggerfish.domain.json_payload import MAX_NODES
from triggerfish.domain.schema_gate import Gate

# An event loop does nothing else meanwhile: this many take about 50 ms, on a busy machine 100.
BUDGET = 1_500_000

COSTLY = 10  # times an ordinary keyword
UNIQUE = 100  # likewise, for each value below a list whose items must differ
PAIRS = 7  # comparisons of each item of a short list with the others, halved
MEMBER = 20  # of an enum that is not all text or all whole numbers; a `const` that is no text
IDN = 60  # `idn-hostname`
FRACTION = 100
FAR_NUMBER = 3_000
FAR_VALUE = 1_500  # a far number in the payload, for each that it is compared with
FAR_BITS = 1_024  # longer ones cost more: 0.2 ms for 10,000 bits and `multipleOf`
EXACT_BITS = 53  # whole numbers beyond are not exact as fractions
EXACT = 40  # their comparison, for each 128 bits of their length
SAME_HASH = 100  # likewise, for each pair of them that has one hash
COMPARED = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")

SMALL_PATTERN = 1_300  # bytes of a compiled pattern; typical ones have 300 to 3,000
PATTERN_BYTES = 128  # of a compiled pattern make one evaluation a character, if it is not small
CHARACTERS = 32  # of a text make one evaluation, whatever it is checked for
_MAX_CHARACTERS = 512 * 1024  # of any request


@dataclass(frozen=True, slots=True)
class Effort:
    """What each part of a payload may cost under a schema, in evaluations.

    `value` for each value, `far` more for a far number, `unique` times what it costs that numbers
    must differ, `text` for each 32 characters, and `matched` for each character that a pattern
    sees: those of texts of up to `longest_matched` characters.
    """

    value: int
    far: int = 0
    unique: int = 0
    text: int = 0
    matched: int = 0
    longest_matched: int = 0

    @property
    def is_light(self) -> bool:
        """Whether no payload can cost too much, so that none need be counted."""
        most = MAX_NODES * self.value + _MAX_CHARACTERS * (self.text // CHARACTERS + self.matched)
        return most <= BUDGET and not (self.far or self.unique)


def schema_effort(gate: Gate, weight: int, pattern_bytes: int = 0) -> Effort:
    """The effort of a schema of this weight, whose largest compiled pattern has so many bytes."""
    schemas = [schema for schema in gate.schemas.values() if isinstance(schema, dict)]
    keywords = {keyword for schema in schemas for keyword in schema}
    is_unique, is_formatted = "uniqueItems" in keywords, "format" in keywords
    is_matched = not keywords.isdisjoint(("pattern", "patternProperties"))
    return Effort(
        value=weight * _factor(schemas, keywords) + sum(map(_compared, schemas)),
        far=FAR_VALUE * sum(map(_comparisons, schemas)),
        unique=weight if is_unique else 0,
        text=weight * (CHARACTERS * 2 if is_unique or is_formatted else 1),
        matched=weight * matching(pattern_bytes) if is_matched else 0,
        longest_matched=longest_matched(pattern_bytes),
    )


def _factor(schemas: list[dict[str, Any]], keywords: set[str]) -> int:
    if "uniqueItems" in keywords:
        return UNIQUE
    if any(schema.get("format") == "idn-hostname" for schema in schemas):
        return IDN
    return 1 if keywords.isdisjoint(("pattern", "patternProperties", "format")) else COSTLY


def matching(pattern_bytes: int) -> int:
    """What a pattern costs for each character of a text."""
    return 2 if pattern_bytes <= SMALL_PATTERN else pattern_bytes // PATTERN_BYTES


def longest_matched(pattern_bytes: int) -> int:
    """How long a text such a pattern may see: one alone must not use up the budget."""
    return BUDGET // matching(pattern_bytes)


def payload_effort(payload: object, effort: Effort) -> int:
    """What the payload may cost; it stops counting above the budget."""
    cost, stack, hashes = 0, [payload], Counter[float]()
    while stack and cost <= BUDGET:
        value = stack.pop()
        cost += effort.value
        if isinstance(value, str):
            cost += _text(value, effort)
        elif isinstance(value, dict):
            cost += sum(_name(name, effort) for name in value)
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
        else:
            cost += _number(value, effort, hashes)
    return cost


def is_far(value: object) -> bool:
    """Whether an exact comparison with this number takes long digits."""
    if isinstance(value, float):
        return value != 0 and not 1e-30 < abs(value) < 1e30
    return isinstance(value, int) and value.bit_length() > 128


def _text(text: str, effort: Effort) -> int:
    length = len(text)
    seen = length if length <= effort.longest_matched else 0
    return length * effort.text // CHARACTERS + seen * effort.matched


def _name(name: str, effort: Effort) -> int:
    """A property's name, which `patternProperties` matches whatever its length."""
    return len(name) * (effort.text // CHARACTERS + effort.matched)


def _number(value: object, effort: Effort, hashes: Counter[float]) -> int:
    cost = effort.far * _length(value) if effort.far and is_far(value) else 0
    return cost + effort.unique * _differing(value, hashes) if effort.unique else cost


def _differing(value: object, hashes: Counter[float]) -> int:
    """What it costs to tell a number from others, some of which may have its hash."""
    if isinstance(value, float):
        return PAIRS * (FAR_VALUE if is_far(value) else FRACTION)
    if not isinstance(value, int) or value.bit_length() <= EXACT_BITS:
        return 0
    hash = float(value)
    hashes[hash] += 1
    return (PAIRS * EXACT + hashes[hash] * SAME_HASH) * (1 + value.bit_length() // 128)


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
        cost += _member(schema["const"]) + MEMBER * (not isinstance(schema["const"], str))
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
