"""Retention views, exact at their boundaries."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid1, uuid4

import pytest

from triggerfish.domain.retention import RetentionPolicy, View, partition_hour

POLICY = RetentionPolicy(timedelta(hours=2), timedelta(hours=46))
FIRED = datetime(2026, 3, 2, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("age", "view"),
    [
        (-MOMENT, None),
        (timedelta(0), View.ACTIVE),
        (timedelta(hours=2) - MOMENT, View.ACTIVE),
        (timedelta(hours=2), View.ARCHIVED),
        (timedelta(hours=2) + MOMENT, View.ARCHIVED),
        (timedelta(hours=48) - MOMENT, View.ARCHIVED),
        (timedelta(hours=48), None),
        (timedelta(days=400), None),
    ],
)
def test_an_events_age_decides_where_it_is_seen(age, view):
    assert POLICY.view_of(FIRED, FIRED + age) is view


@pytest.mark.parametrize("offset", [-MOMENT, timedelta(0), MOMENT])
@pytest.mark.parametrize("age", [timedelta(hours=2), timedelta(hours=48)])
def test_the_bounds_that_queries_use_agree_with_the_view_of_each_event(age, offset):
    now = FIRED + age + offset
    view = POLICY.view_of(FIRED, now)
    assert (view is View.ACTIVE) == (POLICY.active_from(now) < FIRED)
    assert (view is None) == (POLICY.kept_from(now) >= FIRED)


@pytest.mark.parametrize(
    ("age", "is_expired"),
    [
        (timedelta(hours=-1), False),
        (timedelta(0), False),
        (timedelta(hours=47, minutes=58), False),
        (timedelta(hours=47, minutes=59), True),  # by a clock that lags by a minute
        (timedelta(hours=48), True),
        (timedelta(days=31), True),
        (timedelta(days=32), False),  # no message of ours comes that late
    ],
)
def test_an_id_says_whether_its_event_may_have_expired(age, is_expired):
    made_ms = round(FIRED.timestamp() * 1000)
    event_id = UUID(int=made_ms << 80 | 7 << 76 | 2 << 62 | 42)
    assert POLICY.has_expired(event_id, FIRED + age) is is_expired


@pytest.mark.parametrize("id", [UUID(int=0), UUID(int=2**128 - 1), uuid4(), uuid1()])
def test_an_id_that_is_none_of_ours_has_not_expired(id):
    assert not POLICY.has_expired(id, FIRED)


def test_the_latest_id_there_can_be_has_not_expired():
    latest = UUID(int=((1 << 48) - 1) << 80 | 7 << 76 | 2 << 62)
    assert not POLICY.has_expired(latest, FIRED)


def test_the_ends_are_counted_from_the_firing():
    assert POLICY.archives_at(FIRED) == FIRED + timedelta(hours=2)
    assert POLICY.expires_at(FIRED) == FIRED + timedelta(hours=48)


@pytest.mark.parametrize(
    ("fired_at", "hour"),
    [
        (FIRED, FIRED),
        (FIRED + timedelta(minutes=59, seconds=59, microseconds=999_999), FIRED),
        (FIRED - MOMENT, FIRED - timedelta(hours=1)),
    ],
)
def test_a_partition_holds_one_hour(fired_at, hour):
    assert partition_hour(fired_at) == hour
