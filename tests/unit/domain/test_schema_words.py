"""JSON Schema in our voice: violations, refused schemas, and warnings about accepted ones."""

from typing import Any

import pytest

from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.payload_schema import check_schema, compile_schema, violations
from triggerfish.domain.schema_warnings import MAX_WARNINGS, schema_warnings


@pytest.mark.parametrize(
    ("schema", "payload", "field", "said"),
    [
        ({"type": "integer"}, "x", "payload", "integer"),
        ({"type": ["integer", "null"]}, "x", "payload", "integer or null"),
        ({"enum": [1, "a"]}, 2, "payload", '1, "a"'),
        ({"enum": list(range(100))}, -1, "payload", "…"),
        ({"const": {"a": 1}}, 2, "payload", '{"a": 1}'),
        ({"minimum": 3}, 1, "payload", "3 or more"),
        ({"maximum": 3}, 9, "payload", "3 or less"),
        ({"exclusiveMinimum": 3}, 3, "payload", "more than 3"),
        ({"exclusiveMaximum": 3}, 3, "payload", "less than 3"),
        ({"multipleOf": 0.5}, 1.3, "payload", "multiple of 0.5"),
        ({"properties": {"a": {"minLength": 3}}}, {"a": "x"}, "a", "at least 3 characters"),
        ({"maxLength": 1}, "xy", "payload", "at most 1 characters"),
        ({"pattern": "^a"}, "b", "payload", "^a"),
        ({"format": "date"}, "b", "payload", "date"),
        ({"minItems": 2}, [], "payload", "at least 2 items"),
        ({"maxItems": 0}, [1], "payload", "at most 0 items"),
        ({"uniqueItems": True}, [1, 1], "payload", "twice"),
        ({"contains": {"const": 1}}, [], "payload", "contains"),
        ({"prefixItems": [{}], "items": False}, [1, 2], "payload[1]", "not allowed"),
        ({"unevaluatedItems": False}, [1], "payload", "more items"),
        ({"minProperties": 2}, {}, "payload", "at least 2 fields"),
        ({"maxProperties": 0}, {"a": 1}, "payload", "at most 0 fields"),
        ({"properties": {"a": False}}, {"a": 1}, "a", "not allowed"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "b", "required"),
        ({"anyOf": [{"const": 1}, {"const": 2}]}, 3, "payload", "anyOf"),
        ({"oneOf": [{"const": 1}]}, 3, "payload", "oneOf"),
        ({"oneOf": [{}, {}]}, 3, "payload", "more than one"),
        ({"not": {}}, 3, "payload", "not"),
    ],
)
def test_a_violation_says_what_the_value_must_be(schema, payload, field, said):
    (violation,) = violations(compile_schema(schema), payload)
    assert violation.field == field
    assert said in violation.message


@pytest.mark.parametrize(
    ("schema", "field", "said"),
    [
        ({"type": "objekt"}, "schema.type", "array, boolean, integer"),
        ({"properties": {"a": {"type": 5}}}, "schema.properties.a.type", "array, boolean, integer"),
        ({"required": "id"}, "schema.required", "list of different names"),
        ({"properties": []}, "schema.properties", "object whose values are schemas"),
        ({"properties": {"id": "integer"}}, "schema.properties.id", "schema"),
        ({"minLength": -1}, "schema.minLength", "whole number"),
        ({"multipleOf": 0}, "schema.multipleOf", "above 0"),
        ({"minimum": "3"}, "schema.minimum", "number"),
        ({"anyOf": []}, "schema.anyOf", "at least one schema"),
        ({"items": 5}, "schema.items", "schema"),
    ],
)
def test_a_refused_schema_says_what_the_keyword_must_be(schema, field, said):
    with pytest.raises(InvalidInput) as refused:
        check_schema(schema)
    (detail,) = refused.value.details
    assert (detail.field, said in detail.message) == (field, True)


@pytest.mark.parametrize(
    ("schema", "field", "said"),
    [
        ({"id": "integer"}, "schema.id", "properties"),
        ({"id": {"type": "integer"}}, "schema.id", "properties"),
        ({"Required": ["id"]}, "schema.Required", "did you mean required?"),
        ({"additional_properties": False}, "schema.additional_properties", "additionalProperties"),
        ({"colour": "red"}, "schema.colour", "checks nothing"),
        ({"properties": {"a": {"nullable": True}}}, "schema.properties.a.nullable", "null"),
        (
            {"properties": {"a": {}}, "required": ["b"], "additionalProperties": False},
            "schema.required",
            "nothing fits",
        ),
    ],
)
def test_an_obvious_mistake_is_accepted_with_a_warning(schema, field, said):
    check_schema(schema)
    (warning,) = schema_warnings(schema)
    assert (warning.field, said in warning.message) == (field, True)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
        {"properties": {"colour": {}, "nullable": {}}, "required": ["colour"]},
        {"enum": [{"colour": 1}], "default": {"id": "integer"}, "x-owner": "ops", "example": 5},
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {}}},
        {"additionalProperties": False, "patternProperties": {"^a": {}}, "required": ["ab"]},
    ],
)
def test_what_is_meant_gets_no_warning(schema):
    assert schema_warnings(schema) == []


def test_warnings_are_few_however_many_mistakes_there_are():
    mistakes: dict[str, Any] = {f"field{n}": "integer" for n in range(1000)}
    assert len(schema_warnings(mistakes)) == MAX_WARNINGS
