"""Whole numbers: what JSON Schema calls an integer, within bounds."""

import pytest

from triggerfish.domain.whole_number import whole_number


@pytest.mark.parametrize("value", [0, 5, 10, 5.0, 1e1, -0.0])
def test_a_number_without_a_fraction_is_whole_however_it_is_written(value):
    found = whole_number(value, 0, 10)
    assert found == value
    assert type(found) is int


@pytest.mark.parametrize(
    "value",
    [-1, 11, 5.5, 10.000001, float("nan"), float("inf"), 1e308, 10**400, True, "5", None, [5]],
)
def test_nothing_else_is(value):
    assert whole_number(value, 0, 10) is None
