"""Retry policies: the waits, their jitter, and what may be asked for."""

from datetime import timedelta

import pytest

from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.retry import DEFAULT_DELAYS_SECONDS, RetryPolicy, parse_retry


@pytest.mark.parametrize(
    ("attempt", "retry_after", "jitter", "seconds"),
    [
        (1, None, 0.0, 10),
        (1, None, 0.5, 10.5),
        (2, None, 0.0, 20),
        (3, None, 0.0, None),
        (99, None, 0.0, None),
        (1, 5.0, 0.0, 10),
        (1, 15.0, 0.9, 15),
        (1, 10.5, 0.9, 10.9),
        (1, 3600.0, 0.0, 3600),
        (1, 86_400.0, 0.0, 3600),
        (3, 60.0, 0.0, None),
    ],
)
def test_the_wait_after_a_failed_attempt(attempt, retry_after, jitter, seconds):
    policy = RetryPolicy((10.0, 20.0))
    wait = policy.wait_after(attempt, retry_after_seconds=retry_after, jitter=jitter)
    assert wait == (None if seconds is None else timedelta(seconds=seconds))


def test_jitter_stretches_a_wait_by_less_than_a_tenth():
    wait = RetryPolicy((100.0,)).wait_after(1, retry_after_seconds=None, jitter=0.999999)
    assert wait is not None
    assert timedelta(seconds=100) < wait < timedelta(seconds=110)


@pytest.mark.parametrize(
    ("raw", "delays"),
    [
        (None, DEFAULT_DELAYS_SECONDS),
        ({"delays_seconds": []}, ()),
        ({"delays_seconds": [0]}, (0.0,)),
        ({"delays_seconds": [1, 2.5]}, (1.0, 2.5)),
        ({"delays_seconds": [1] * 20}, (1.0,) * 20),
        ({"delays_seconds": [46 * 3600]}, (165_600.0,)),
    ],
)
def test_a_policy_is_read_and_written_as_the_same(raw, delays):
    policy = parse_retry(raw)
    assert policy.delays_seconds == delays
    assert policy.max_attempts == len(delays) + 1
    assert parse_retry(policy.to_json()) == policy


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ([], "retry"),
        ("never", "retry"),
        ({}, "retry.delays_seconds"),
        ({"delays_seconds": None}, "retry.delays_seconds"),
        ({"delays_seconds": "5"}, "retry.delays_seconds"),
        ({"delays_seconds": [1] * 21}, "retry.delays_seconds"),
        ({"delays_seconds": [46 * 3600, 1]}, "retry.delays_seconds"),
        ({"delays_seconds": [1e308, 1e308]}, "retry.delays_seconds"),
        ({"delays_seconds": [0.5, 10**307]}, "retry.delays_seconds"),
        ({"delays_seconds": [1, -1]}, "retry.delays_seconds[1]"),
        ({"delays_seconds": [True]}, "retry.delays_seconds[0]"),
        ({"delays_seconds": [float("nan")]}, "retry.delays_seconds[0]"),
        ({"delays_seconds": ["1"]}, "retry.delays_seconds[0]"),
        ({"delays_seconds": [1], "jitter": 0}, "retry.jitter"),
    ],
)
def test_a_wrong_policy_is_refused_naming_the_field(raw, field):
    with pytest.raises(InvalidInput) as refused:
        parse_retry(raw)
    assert [detail.field for detail in refused.value.details] == [field]
