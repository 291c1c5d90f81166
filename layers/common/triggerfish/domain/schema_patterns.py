"""The patterns of a schema: how large they are when compiled, and how long a text they may see.

A linear-time match costs the text's length times the compiled pattern's size, so both are bounded
together (`validation_effort`).
"""

import copy
from typing import Any

import jsonschema_rs

from triggerfish.domain.schema_gate import Gate, Pointer, patterns_of
from triggerfish.domain.validation_effort import SMALL_PATTERN, longest_matched

MAX_PATTERN_BYTES = 1 << 17
_SIZES = (SMALL_PATTERN, 1 << 12, 1 << 14, 1 << 16)


def options(max_bytes: int = MAX_PATTERN_BYTES) -> jsonschema_rs.RegexOptions:
    """Linear-time patterns of at most so many bytes each when compiled."""
    return jsonschema_rs.RegexOptions(size_limit=max_bytes, dfa_size_limit=1 << 20)


def largest_pattern(gate: Gate) -> int:
    """A bound of the bytes of the schema's largest compiled pattern; 0 without any.

    The engine itself tells, by refusing what is larger than it is told to accept.
    """
    patterns = sorted({one for schema in gate.schemas.values() for one in patterns_of(schema)})
    if not patterns:
        return 0
    return next((size for size in _SIZES if _all_fit(patterns, size)), MAX_PATTERN_BYTES)


def with_bounded_texts(gate: Gate, pattern_bytes: int) -> dict[str, Any]:
    """The schema, whose patterns refuse unseen a text that would take them too long.

    The condition goes first: the order of a schema's own keywords is the validator's business.
    """
    if pattern_bytes <= SMALL_PATTERN:
        return gate.root
    root = copy.deepcopy(gate.root)
    short = {"maxLength": longest_matched(pattern_bytes)}
    for pointer, schema in gate.schemas.items():
        if isinstance(schema, dict) and "pattern" in schema:
            bounded = _at(root, pointer)
            matched = {"if": short, "then": {"pattern": bounded.pop("pattern")}, "else": short}
            bounded["allOf"] = [*bounded.get("allOf", ()), matched]
    return root


def _all_fit(patterns: list[str], size: int) -> bool:
    probe = {"allOf": [{"pattern": pattern} for pattern in patterns]}
    try:
        jsonschema_rs.validator_for(probe, pattern_options=options(size))
    except jsonschema_rs.ValidationError:
        return False
    return True


def _at(root: dict[str, Any], pointer: Pointer) -> dict[str, Any]:
    place: Any = root
    for token in pointer:
        place = place[int(token)] if isinstance(place, list) else place[token]
    assert isinstance(place, dict)
    return place
