"""The official JSON Schema test suite: our verdicts are its own and those of `jsonschema`.

The cases are those of draft 7 and 2020-12 (tests/json-schema-test-suite, with its licence).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.payload_schema import compile_schema, violations
from triggerfish.domain.schema_gate import DRAFT_07, DRAFT_2020_12

SUITE = Path(__file__).parents[2] / "json-schema-test-suite"
DRAFTS: dict[str, tuple[str, type[Any]]] = {
    "draft7": (DRAFT_07, Draft7Validator),
    "draft2020-12": (DRAFT_2020_12, Draft202012Validator),
}
FILES = sorted(path.relative_to(SUITE).as_posix() for path in SUITE.rglob("*.json"))

# What we refuse on purpose: what reaches outside, renames its parts, or costs too much.
REFUSED_FOR = {"$ref", "$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$schema", "schema"}
# Where the standard leaves it to the implementation: we check formats, the suite's default does not.
FORMATS_ARE_NOTES = "draft2020-12/format.json"


def groups(file: str) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """Each schema, its draft said, with its cases."""
    uri, _ = DRAFTS[file.partition("/")[0]]
    for group in json.loads((SUITE / file).read_text(encoding="utf-8")):
        schema = group["schema"]
        yield ({"$schema": uri} | schema if isinstance(schema, dict) else schema), group["tests"]


@pytest.mark.parametrize("file", FILES)
def test_our_verdicts_are_those_of_the_suite_and_of_the_reference(file: str) -> None:
    reference = DRAFTS[file.partition("/")[0]][1]
    for schema, cases in groups(file):
        if fields := refused_for(schema):
            assert fields <= REFUSED_FOR, schema
            continue
        validator = compile_schema(schema)
        for case in cases:
            ours = not violations(validator, case["data"])
            if file == FORMATS_ARE_NOTES and not ours:
                assert case["valid"], case
                continue
            assert ours == case["valid"], (schema, case)
            assert ours == reference(schema).is_valid(case["data"]), (schema, case)


def test_nine_of_ten_cases_are_of_schemas_that_we_accept() -> None:
    counted = {True: 0, False: 0}
    for file in FILES:
        for schema, cases in groups(file):
            counted[not refused_for(schema)] += len(cases)
    assert counted[True] > 1_900
    assert counted[False] < 250


def refused_for(schema: Any) -> set[str]:
    """The keywords that a schema is refused for; none if it is accepted."""
    try:
        compile_schema(schema)
    except InvalidInput as refused:
        return {one.field.split(".")[-1] for one in refused.details}
    return set()
