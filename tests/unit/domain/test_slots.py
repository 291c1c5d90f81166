"""Slots: who may post to an endpoint now, and which endpoints have work waiting."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from triggerfish.domain.endpoint_limits import endpoint_key
from triggerfish.domain.slots import Slots

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SOON = NOW + 15 * SECOND
TWICE_A_SECOND = endpoint_key("https://example.com/hook", rate_per_second=2)


def test_an_endpoint_has_as_many_slots_as_the_cap_and_gets_them_back():
    slots = Slots(2)
    assert [slots.take("a") for _ in range(3)] == [True, True, False]
    slots.release("a")
    assert slots.take("a")
    assert not slots.take("a")


def test_one_slot_that_is_given_back_is_one_more_to_take():
    slots = Slots(3)
    assert [slots.take("a") for _ in range(3)] == [True, True, True]
    slots.release("a")
    assert [slots.take("a") for _ in range(2)] == [True, False]


def test_endpoints_do_not_share_slots():
    slots = Slots(1)
    assert slots.take("a")
    assert slots.take("b")
    assert not slots.take("a")


def test_who_finds_no_slot_is_parked():
    slots = Slots(1)
    slots.take("a")
    assert slots.parked("a") == 0
    slots.take("a")
    assert slots.parked("a") == 1
    assert slots.parked("b") == 0


def test_unparking_as_of_an_old_look_forgets_no_later_parking():
    slots = Slots(1)
    slots.park("a")
    mark = slots.parked("a")
    slots.park("a")
    slots.unpark("a", mark)
    assert slots.parked("a") > mark
    slots.unpark("a", slots.parked("a"))
    assert slots.parked("a") == 0


def test_unparking_what_is_not_parked_changes_nothing():
    slots = Slots(1)
    slots.unpark("a", 0)
    slots.unpark("a", 3)
    assert slots.parked("a") == 0


def test_an_endpoint_with_a_cap_of_its_own_has_as_many_slots():
    slots = Slots(2)
    one = endpoint_key("https://example.com/hook", max_concurrency=1)
    four = endpoint_key("https://example.com/hook", max_concurrency=4)
    rated = endpoint_key("https://example.com/hook", rate_per_second=1)
    assert [slots.take(one) for _ in range(2)] == [True, False]
    assert [slots.take(four) for _ in range(5)] == [True] * 4 + [False]
    assert [slots.take(rated) for _ in range(3)] == [True, True, False]


def test_turns_of_a_rated_endpoint_are_an_interval_apart():
    slots = Slots(5)
    turns = [slots.reserve(TWICE_A_SECOND, NOW, until=SOON) for _ in range(4)]
    assert turns == [NOW + n * SECOND / 2 for n in range(4)]


def test_a_pause_saves_no_turns_up():
    slots = Slots(5)
    slots.reserve(TWICE_A_SECOND, NOW, until=SOON)
    later = NOW + 60 * SECOND
    turns = [slots.reserve(TWICE_A_SECOND, later, until=later + SECOND) for _ in range(2)]
    assert turns == [later, later + SECOND / 2]


def test_a_turn_that_comes_too_late_is_not_taken():
    slots = Slots(5)
    until = NOW + SECOND
    turns = [slots.reserve(TWICE_A_SECOND, NOW, until=until) for _ in range(4)]
    assert turns == [NOW, NOW + SECOND / 2, None, None]
    assert slots.next_turn(TWICE_A_SECOND, NOW) == until
    assert slots.reserve(TWICE_A_SECOND, until, until=SOON) == until


def test_without_a_rate_every_turn_is_now_as_long_as_there_is_time():
    slots = Slots(5)
    assert [slots.reserve("a", NOW, until=SOON) for _ in range(3)] == [NOW] * 3
    assert slots.reserve("a", SOON, until=SOON) is None


def test_a_thousand_jobs_over_the_rate_send_one_message_until_their_turn():
    slots = Slots(5)
    at = NOW + 20 * SECOND
    assert [slots.wake("a", NOW, at) for _ in range(1000)].count(True) == 1
    assert not slots.wake("a", at - SECOND, at)
    assert slots.wake("b", NOW, at)
    assert slots.wake("a", at, at + SECOND)


def test_who_is_to_come_at_once_always_comes():
    slots = Slots(5)
    assert [slots.wake("a", NOW, NOW) for _ in range(3)] == [True] * 3


def test_an_hour_of_a_rated_backlog_keeps_to_the_rate_in_virtual_time():
    """Each starter waits for its turn and then takes the next, as the delivery does."""
    slots, now, starts = Slots(5), NOW, []
    while now < NOW + timedelta(hours=1):
        turn = slots.reserve(TWICE_A_SECOND, now, until=now + 15 * SECOND)
        assert turn is not None
        now = max(now, turn)
        starts.append(now)
    gaps = {after - before for before, after in pairwise(starts)}
    assert gaps == {SECOND / 2}
    assert len(starts) == 7201
