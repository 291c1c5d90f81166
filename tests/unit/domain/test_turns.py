"""Turns: an endpoint with a rate is posted to an interval apart, and others at once."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from triggerfish.domain.endpoint_limits import endpoint_key
from triggerfish.domain.turns import Turns

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TWICE_A_SECOND = endpoint_key("https://example.com/hook", rate_per_second=2)


def test_turns_are_an_interval_apart() -> None:
    turns = Turns()
    assert [turns.take(TWICE_A_SECOND, NOW) for _ in range(3)] == [
        NOW,
        NOW + SECOND / 2,
        NOW + SECOND,
    ]


def test_a_pause_is_no_reason_for_a_burst() -> None:
    turns, later = Turns(), NOW + 60 * SECOND
    turns.take(TWICE_A_SECOND, NOW)
    taken = [turns.take(TWICE_A_SECOND, later) for _ in range(2)]
    assert taken == [later, later + SECOND / 2]


def test_without_a_rate_every_turn_is_now() -> None:
    turns = Turns()
    assert [turns.take("a", NOW) for _ in range(3)] == [NOW] * 3


def test_a_thousand_looks_at_a_rated_endpoint_call_one_worker_back() -> None:
    turns, at = Turns(), NOW + 20 * SECOND
    assert [turns.call_back("a", NOW, at) for _ in range(1000)].count(True) == 1
    assert not turns.call_back("a", at - SECOND, at)
    assert turns.call_back("b", NOW, at)
    assert turns.call_back("a", at, at + SECOND)


def test_a_call_for_now_always_goes_out() -> None:
    turns = Turns()
    assert [turns.call_back("a", NOW, NOW) for _ in range(3)] == [True] * 3


def test_an_hour_of_a_rated_backlog_keeps_to_the_rate() -> None:
    turns, now, starts = Turns(), NOW, []
    while now < NOW + timedelta(hours=1):
        now = max(now, turns.take(TWICE_A_SECOND, now))
        starts.append(now)
    assert {after - before for before, after in pairwise(starts)} == {SECOND / 2}
