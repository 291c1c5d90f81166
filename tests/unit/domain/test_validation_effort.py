"""What a payload may cost under its schema: what is compared exactly, matched or told apart."""

from typing import Any

import pytest

from triggerfish.domain.schema_gate import inspect
from triggerfish.domain.schema_patterns import largest_pattern, with_bounded_texts
from triggerfish.domain.validation_effort import (
    BUDGET,
    Effort,
    is_far,
    longest_matched,
    payload_effort,
    schema_effort,
)


def effort(schema: dict[str, Any], weight: int = 1) -> Effort:
    gate = inspect(schema)
    return schema_effort(gate, weight, largest_pattern(gate))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, 1),
        ({"pattern": "a"}, 10),
        ({"patternProperties": {"a": True}}, 10),
        ({"format": "date"}, 10),
        ({"format": "idn-hostname"}, 60),
        ({"uniqueItems": True}, 100),
        ({"enum": ["a", "b"]}, 1),  # looked up by hash
        ({"enum": [1, 2]}, 1),
        ({"enum": ["a", 1]}, 1 + 2 * 21),
        ({"enum": [0.5]}, 1 + 20 + 100),
        ({"const": "a"}, 1 + 1),
        ({"const": {"a": [0.5, 1]}}, 1 + 20 + 1 + 1 + 100 + 1),
        ({"minimum": 0}, 2),
        ({"minimum": 1e-300}, 3_001),
    ],
)
def test_the_effort_of_a_value_is_the_weight_and_what_is_compared(schema, value):
    assert effort(schema).value == value


@pytest.mark.parametrize(
    ("schema", "compared"),
    [
        ({"properties": {"const": {"type": "number"}}}, 0),
        ({"items": {"const": 1}}, 1),
        ({"minimum": 0, "maximum": 9}, 2),
        ({"enum": [1, 2, 3]}, 1),  # looked up by hash
        ({"enum": [1, "a", 3]}, 3),
    ],
)
def test_a_far_number_costs_as_much_as_it_is_compared(schema, compared):
    assert effort(schema).far == compared * 1_500


def test_only_far_numbers_cost_more_and_long_ones_more_still():
    one = Effort(value=1, far=1_500)
    assert payload_effort([1e-300, "x"], one) == 3 + 1_500
    assert payload_effort([1e-300, "x"], Effort(value=1)) == 3
    assert payload_effort({"a": [1, 2]}, one) == 4
    assert payload_effort(2**1_000, one) == 1 + 1_500
    assert payload_effort(2**5_000, one) == 1 + 5 * 1_500


def test_numbers_that_must_differ_cost_pairs_and_more_if_they_have_one_hash():
    one = Effort(value=1, unique=2)
    assert payload_effort([1, 2**53 - 1, True, "x"], one) == 5
    assert payload_effort([0.5], one) == 2 + 2 * 700
    assert payload_effort([1e-300], one) == 2 + 2 * 10_500
    apart, alike = [2**60, 2**61, 2**62], [2**60, 2**60 + 1, 2**60 + 2]
    assert payload_effort(apart, one) == 4 + 3 * 2 * (280 + 100)
    assert payload_effort(alike, one) == 4 + 2 * (3 * 280 + (1 + 2 + 3) * 100)
    assert payload_effort([2**1_000], one) == 2 + 2 * 8 * (280 + 100)


def test_a_text_costs_its_length_and_what_matches_it():
    assert payload_effort("x" * 320, Effort(value=1, text=3)) == 1 + 30
    matched = Effort(value=1, matched=5, longest_matched=100)
    assert payload_effort("x" * 100, matched) == 1 + 500
    assert payload_effort("x" * 101, matched) == 1  # it is refused before any pattern sees it
    assert payload_effort({"x" * 101: 1}, matched) == 2 + 505  # but names are not


def test_enough_is_enough():
    assert payload_effort([[1] * 1_000] * 10_000, Effort(value=1_000)) <= BUDGET + 1_000


@pytest.mark.parametrize(
    ("pattern", "size", "matched"),
    [
        ("^[a-z0-9]+(-[a-z0-9]+)*$", 1_300, 2),
        ("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", 4_096, 32),
        ("(?:[ab]{0,50}a){2}z", 16_384, 128),
        ("(?:[ab]{0,50}a){8}z", 65_536, 512),
        ("(?:[ab]{0,50}a){20}z", 131_072, 1_024),
    ],
)
def test_a_character_costs_by_the_size_of_the_compiled_pattern(pattern, size, matched):
    gate = inspect({"items": {"pattern": pattern}})
    assert largest_pattern(gate) == size
    assert schema_effort(gate, 3, size).matched == 3 * matched


def test_a_text_that_is_too_long_for_a_costly_pattern_is_refused_before_it_is_matched():
    gate = inspect({"items": {"pattern": "(?:[ab]{0,50}a){8}z", "allOf": [{"minLength": 1}]}})
    bounded = with_bounded_texts(gate, 65_536)
    short = {"maxLength": longest_matched(65_536)}
    matched = {"if": short, "then": {"pattern": "(?:[ab]{0,50}a){8}z"}, "else": short}
    assert bounded == {"items": {"allOf": [{"minLength": 1}, matched]}}
    assert with_bounded_texts(gate, 1_300) is gate.root


@pytest.mark.parametrize("value", [1e-31, -1e31, 2**128, -(10**40)])
def test_a_number_with_a_large_exponent_is_far(value):
    assert is_far(value)


@pytest.mark.parametrize("value", [0, 0.0, -1.5, 1e29, 2**64, True, "1e300", None])
def test_any_other_value_is_not(value):
    assert not is_far(value)


@pytest.mark.parametrize(
    ("schema", "is_light"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}}}, True),
        ({"pattern": "^[a-z]+$"}, True),
        ({"uniqueItems": True}, False),
        ({"minimum": 1}, False),
        ({"pattern": "(?:[ab]{0,50}a){8}z"}, False),
    ],
)
def test_payloads_of_a_light_schema_need_not_be_counted(schema, is_light):
    assert effort(schema).is_light is is_light
