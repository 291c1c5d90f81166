"""Retry policies: the waits, their jitter, and what may be asked for."""

from datetime import timedelta
from uuid import UUID

import pytest

from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.retry import DEFAULT_DELAYS_SECONDS, RetryPolicy, jitter_of
from triggerfish.domain.retry_parse import parse_retry


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
        ({"endpoint": "current"}, DEFAULT_DELAYS_SECONDS),
        ({"delays_seconds": [1], "endpoint": "current"}, (1.0,)),
        ({"exponential": {"max_attempts": 2}, "endpoint": "current"}, (5.0,)),
        ({"delays_seconds": [1], "endpoint": "original"}, (1.0,)),
    ],
)
def test_a_policy_is_read_and_written_as_the_same(raw, delays):
    policy = parse_retry(raw)
    assert policy.delays_seconds == delays
    assert policy.max_attempts == len(delays) + 1
    assert policy.endpoint == (raw or {}).get("endpoint", "original")
    assert parse_retry(policy.to_json()) == policy == RetryPolicy.from_json(policy.to_json())


@pytest.mark.parametrize(
    ("rule", "delays"),
    [
        ({"max_attempts": 5}, (5, 10, 20, 40)),
        ({"max_attempts": 5.0}, (5, 10, 20, 40)),
        ({"initial_seconds": 10, "factor": 3, "cap_seconds": 60, "max_attempts": 4}, (10, 30, 60)),
        ({"initial_seconds": 100, "cap_seconds": 30, "max_attempts": 3}, (30, 30)),
        ({"factor": 1, "initial_seconds": 7.5, "max_attempts": 4}, (7.5, 7.5, 7.5)),
        ({"max_attempts": 1}, ()),
        ({}, (5, 10, 20, 40, 80, 160, 320, 640, 1280)),
        (
            {"initial_seconds": 165_600, "cap_seconds": 165_600, "max_attempts": 2, "jitter": 0},
            (165_600,),
        ),
    ],
)
def test_exponential_waits_grow_by_their_factor_up_to_their_cap(rule, delays):
    policy = parse_retry({"exponential": rule})
    assert policy.delays_seconds == delays
    assert policy.max_attempts == len(delays) + 1
    assert parse_retry(policy.to_json()) == policy == RetryPolicy.from_json(policy.to_json())


@pytest.mark.parametrize(("share", "least", "most"), [(0, 5, 5), (0.5, 5, 7.5), (1, 5, 10)])
def test_the_jitter_of_an_exponential_policy_is_its_own(share, least, most):
    policy = parse_retry({"exponential": {"jitter": share}})
    waits = [policy.wait_after(1, retry_after_seconds=None, jitter=j) for j in (0.0, 0.999999)]
    seconds = [wait.total_seconds() for wait in waits if wait is not None]
    assert seconds == pytest.approx([least, most], abs=0.001)


def test_jitter_is_the_same_for_an_attempt_and_spreads_over_events_and_attempts():
    shares = [jitter_of(UUID(int=n), attempt) for n in range(100) for attempt in (1, 2)]
    assert shares == [jitter_of(UUID(int=n), attempt) for n in range(100) for attempt in (1, 2)]
    assert len(set(shares)) == len(shares)
    assert all(0 <= share < 1 for share in shares)
    tenths = {int(share * 10) for share in shares}
    assert tenths == set(range(10))


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ([], "retry"),
        ("never", "retry"),
        ({}, "retry.delays_seconds"),
        ({"delays_seconds": None}, "retry.delays_seconds"),
        ({"endpoint": "elsewhere"}, "retry.endpoint"),
        ({"delays_seconds": [1], "endpoint": None}, "retry.endpoint"),
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
        ({"delays_seconds": [1], "exponential": {}}, "retry"),
        ({"exponential": None}, "retry.exponential"),
        ({"exponential": []}, "retry.exponential"),
        ({"exponential": {"base": 2}}, "retry.exponential.base"),
        ({"exponential": {"initial_seconds": 0}}, "retry.exponential.initial_seconds"),
        ({"exponential": {"initial_seconds": "5"}}, "retry.exponential.initial_seconds"),
        ({"exponential": {"initial_seconds": 10**400}}, "retry.exponential.initial_seconds"),
        ({"exponential": {"factor": 0.5}}, "retry.exponential.factor"),
        ({"exponential": {"factor": float("nan")}}, "retry.exponential.factor"),
        ({"exponential": {"cap_seconds": True}}, "retry.exponential.cap_seconds"),
        ({"exponential": {"max_attempts": 0}}, "retry.exponential.max_attempts"),
        ({"exponential": {"max_attempts": 2.5}}, "retry.exponential.max_attempts"),
        ({"exponential": {"max_attempts": 101}}, "retry.exponential.max_attempts"),
        ({"exponential": {"jitter": 1.1}}, "retry.exponential.jitter"),
        ({"exponential": {"max_attempts": 100}}, "retry.exponential"),  # 92 h in all
    ],
)
def test_a_wrong_policy_is_refused_naming_the_field(raw, field):
    with pytest.raises(InvalidInput) as refused:
        parse_retry(raw)
    assert [detail.field for detail in refused.value.details] == [field]
