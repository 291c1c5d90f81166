"""No keyword of either draft lets a payload hold the process, and no errors fill its memory."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft7Validator
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

from tests.schema_keywords import KEYWORDS, cases
from triggerfish.domain.error_effort import (
    ALL_ERRORS_BUDGET,
    FIRST_ERROR_BUDGET,
    ErrorEffort,
    listing_effort,
    schema_error_effort,
)
from triggerfish.domain.payload_schema import compile_schema, violations
from triggerfish.domain.schema_gate import UNSUPPORTED, inspect

Recorder = Callable[[str, object], None]
HELD_MS = 100
GROWTH_MIB = 64
VOCABULARIES = ("core", "applicator", "unevaluated", "validation", "content")
ANNOTATIONS = {"$id", "$schema", "$comment", "$vocabulary", "$defs", "definitions"} | {
    "title", "description", "default", "examples", "readOnly", "deprecated", "writeOnly",
}  # fmt: skip


def keywords_of_both_drafts() -> set[str]:
    found = set(Draft7Validator.META_SCHEMA["properties"])
    for name in VOCABULARIES:
        vocabulary = REGISTRY.contents(f"https://json-schema.org/draft/2020-12/meta/{name}")
        found |= set(vocabulary["properties"])
    return found - ANNOTATIONS - set(UNSUPPORTED)


def test_every_keyword_of_both_drafts_is_measured() -> None:
    measured = {keyword for schema in KEYWORDS.values() for keyword in schema}
    assert keywords_of_both_drafts() <= measured


@pytest.mark.attack("schemas: every keyword of both drafts, held 100 ms and 64 MiB at most")
def test_no_keyword_holds_the_process_or_fills_its_memory(record_property: Recorder) -> None:
    command = [sys.executable, "-m", "tests.schema_keywords"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    measured = json.loads(done.stdout)
    record_property("cases", measured["cases"])
    assert measured["cases"] > 10 * len(KEYWORDS)
    assert measured["longest_ms"] < HELD_MS, measured
    assert measured["growth_mib"] < GROWTH_MIB, measured


@pytest.mark.parametrize("name", ["propertyNames, at the root", "required, at the root"])
def test_many_errors_about_a_large_object_become_the_first_one(name: str) -> None:
    validator = compile_schema(dict(cases())[name])
    assert len(violations(validator, {f"a{n}": 1 for n in range(2_400)})) == 1
    assert len(violations(validator, {f"a{n}": 1 for n in range(20)})) >= 1


def test_errors_about_an_ordinary_payload_are_all_listed() -> None:
    order = {"properties": {"n": {"type": "integer"}, "sku": {"type": "string", "minLength": 3}}}
    validator = compile_schema(
        {"items": {**order, "required": ["n", "sku", "price"]}, "minItems": 200}
    )
    found = violations(validator, [{"n": "x", "sku": "a"}] * 100, limit=1000)
    assert len(found) == 100 * 3 + 1


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object"}, ErrorEffort(any=1, object=0, name=0, has_alternatives=False)),
        ({"required": ["a", "b"]}, ErrorEffort(1, 2, 0, False)),
        ({"dependentRequired": {"a": ["b", "c"], "d": ["e"]}}, ErrorEffort(1, 3, 0, False)),
        ({"dependencies": {"a": ["b"], "c": {"type": "object"}}}, ErrorEffort(2, 2, 0, False)),
        ({"propertyNames": {"minLength": 1, "pattern": "a"}}, ErrorEffort(2, 0, 2, False)),
        ({"anyOf": [{"type": "null"}]}, ErrorEffort(2, 0, 0, True)),
        ({"enum": [[1] * 8] * 10}, ErrorEffort(10, 0, 0, False)),
    ],
)
def test_errors_are_counted_by_keywords_and_by_names(
    schema: dict[str, Any], expected: ErrorEffort
) -> None:
    gate = inspect(schema)
    weight = 2 if "anyOf" in schema or "c" in schema.get("dependencies", {}) else 1
    assert schema_error_effort(gate, weight) == expected


def test_errors_cost_the_size_of_what_they_are_about() -> None:
    one = ErrorEffort(any=1, object=0, name=0, has_alternatives=False)
    assert listing_effort(1, one) == 10 + 1
    assert listing_effort([1, 1], one) == (10 + 3) + 2 * 11
    assert listing_effort({"a": "x" * 512}, one) == (10 + 1 + 1 + 3) + 13
    assert listing_effort({"a": 1}, ErrorEffort(0, 5, 0, False)) == 5 * 13
    assert listing_effort({"a": 1, "b": 1}, ErrorEffort(0, 0, 5, False)) == 2 * 5 * 15
    assert ALL_ERRORS_BUDGET < FIRST_ERROR_BUDGET
