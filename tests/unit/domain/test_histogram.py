"""Quantiles from buckets, estimated as Prometheus' histogram_quantile does."""

import pytest

from triggerfish.domain.histogram import Histogram

BOUNDS = (10, 100, 1000)


@pytest.mark.parametrize(
    ("buckets", "count", "q", "expected"),
    [
        ((0, 0, 0), 0, 0.5, None),
        ((10, 10, 10), 10, 0.5, 5.0),
        ((10, 10, 10), 10, 1.0, 10.0),
        ((0, 10, 10), 10, 0.5, 55.0),
        ((5, 10, 10), 10, 0.5, 10.0),
        ((5, 10, 10), 10, 0.75, 55.0),
        ((90, 99, 100), 100, 0.99, 100.0),
        ((90, 99, 100), 100, 0.995, 550.0),
        ((0, 0, 0), 4, 0.5, 1000.0),  # all beyond the last bound
        ((1, 1, 1), 4, 0.99, 1000.0),
        ((0, 1, 1), 1, 0.0, 10.0),
    ],
)
def test_a_quantile_lies_where_its_rank_falls(buckets, count, q, expected):
    assert Histogram(BOUNDS, buckets, count).quantile(q) == expected


def test_quantiles_never_fall_as_q_rises():
    histogram = Histogram(BOUNDS, (3, 7, 9), 12)
    values = [histogram.quantile(q / 100) or 0 for q in range(101)]
    assert values == sorted(values)
