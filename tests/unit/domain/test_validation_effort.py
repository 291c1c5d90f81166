"""What a payload may cost under its schema: far numbers, patterns and compared members count more."""

import pytest

from triggerfish.domain.schema_gate import inspect
from triggerfish.domain.validation_effort import (
    far_size,
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


@pytest.mark.parametrize(
    ("schema", "effort", "size"),
    [
        ({"properties": {"const": {"type": "number"}}}, 1, 0),
        ({"items": {"const": 1}}, 2, 751),
        ({"minimum": 0, "maximum": 9}, 3, 1_001),
        ({"enum": [1, 2, 3]}, 1, 1_501),  # looked up by hash
        ({"enum": [1, "a", 3]}, 64, 71),
        ({"maximum": 1e300}, 3_001, 1),  # its effort is that of a far number already
    ],
)
def test_a_far_number_costs_as_much_as_it_is_compared(schema, effort, size):
    assert schema_effort(inspect(schema), 1) == effort
    assert far_size(inspect(schema), effort) == size


def test_only_far_numbers_count_for_more_and_long_ones_for_more_still():
    assert payload_size([1e-300, "x"], 10**6, far=1_500) == 1_502
    assert payload_size([1e-300, "x"], 10**6, far=0) == 3
    assert payload_size({"a": [1, 2]}, 10**6, far=1_500) == 4
    assert payload_size(2**1_000, 10**6, far=1_500) == 1_500
    assert payload_size(2**5_000, 10**6, far=1_500) == 5 * 1_500
    assert payload_size([1] * 100, 10, far=0) == 11  # enough is enough


@pytest.mark.parametrize("value", [1e-31, -1e31, 2**128, -(10**40)])
def test_a_number_with_a_large_exponent_is_far(value):
    assert is_far(value)


@pytest.mark.parametrize("value", [0, 0.0, -1.5, 1e29, 2**64, True, "1e300", None])
def test_any_other_value_is_not(value):
    assert not is_far(value)
