"""Slots: who may post to an endpoint now, and which endpoints have work waiting."""

from triggerfish.domain.slots import Slots


def test_an_endpoint_has_as_many_slots_as_the_cap_and_gets_them_back():
    slots = Slots(2)
    assert [slots.take("a") for _ in range(3)] == [True, True, False]
    slots.release("a")
    assert slots.take("a")
    assert not slots.take("a")


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
