"""What a payload may cost under its schema: far numbers, patterns and compared members count more."""

import pytest

from triggerfish.domain.schema_gate import inspect
from triggerfish.domain.validation_effort import (
    compares_numbers,
    is_far,
    payload_size,
    schema_effort,
)


@pytest.mark.parametrize(
    ("schema", "effort"),
    [
        ({}, 1),
        ({"pattern": "a"}, 10),
        ({"uniqueItems": True}, 10),
        ({"enum": ["a", "b"]}, 1),  # looked up by hash
        ({"enum": [1, 2]}, 1),
        ({"enum": ["a", 1]}, 1 + 2 * 21),
        ({"enum": [0.5]}, 1 + 20 + 100),
        ({"const": {"a": [0.5, 1]}}, 1 + 1 + 1 + 100 + 1),
        ({"minimum": 0}, 2),
        ({"minimum": 1e-300}, 3_001),
    ],
)
def test_the_effort_of_a_schema_is_its_weight_and_what_it_compares(schema, effort):
    assert schema_effort(inspect(schema), 1) == effort


def test_only_schemas_that_compare_make_far_numbers_count():
    assert compares_numbers(inspect({"items": {"const": 1}}))
    assert not compares_numbers(inspect({"properties": {"const": {"type": "number"}}}))
    assert payload_size([1e-300, "x"], 10**6, numbers=True) == 1_502
    assert payload_size([1e-300, "x"], 10**6, numbers=False) == 3
    assert payload_size({"a": [1, 2]}, 10**6, numbers=True) == 4
    assert payload_size([1] * 100, 10, numbers=False) == 11  # enough is enough


@pytest.mark.parametrize("value", [1e-31, -1e31, 2**128, -(10**40)])
def test_a_number_with_a_large_exponent_is_far(value):
    assert is_far(value)


@pytest.mark.parametrize("value", [0, 0.0, -1.5, 1e29, 2**64, True, "1e300", None])
def test_any_other_value_is_not(value):
    assert not is_far(value)
