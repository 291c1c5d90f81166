"""The broker's FIFO queue: groups in order, duplicates known."""

from local.services.broker.dedup import WINDOW_SECONDS
from local.services.broker.settings import settings_from
from tests.unit.local.broker.queues import T0, bodies, fifo, handle, message, send_to


def test_a_group_leaves_in_order_and_one_receive_may_take_several():
    q = fifo()
    for body in ("1", "2", "3"):
        send_to(q, "g", body)
    assert bodies(q, T0, limit=2) == ["1", "2"]
    assert bodies(q, T0) == []


def test_a_group_is_free_when_nothing_of_it_is_in_flight():
    q = fifo(VisibilityTimeout=30)
    for body in ("1", "2", "3"):
        send_to(q, "g", body)
    taken = q.receive(2, T0).messages
    q.delete(q.receipt_handle(taken[0]), T0)
    assert bodies(q, T0) == []
    assert bodies(q, T0 + 30) == ["2", "3"]


def test_groups_do_not_wait_for_each_other():
    q = fifo()
    send_to(q, "g", "1")
    send_to(q, "h", "2")
    assert bodies(q, T0, limit=1) == ["1"]
    assert bodies(q, T0) == ["2"]


def test_a_fifo_message_given_back_goes_first():
    q = fifo()
    send_to(q, "g", "1")
    send_to(q, "g", "2")
    q.change_visibility(handle(q, T0), 0, T0)
    assert bodies(q, T0) == ["1", "2"]


def test_a_locked_group_serves_no_receiver():
    q = fifo(VisibilityTimeout=30)
    send_to(q, "g", "1")
    send_to(q, "g", "2")
    assert q.available(T0) == 1
    bodies(q, T0, limit=1)
    assert q.available(T0) == 0
    assert q.available(T0 + 30) == 1


def test_empty_groups_are_forgotten():
    q = fifo()
    for number in range(100):
        send_to(q, f"g{number}", "x")
        q.delete(handle(q, T0), T0)
    assert q._line._groups == {}  # type: ignore[attr-defined]


def test_a_duplicate_is_answered_with_the_first_message_for_five_minutes():
    q = fifo()
    first = message(group="g", dedup_id="d")
    q.send(first, None, T0)
    q.delete(handle(q, T0), T0)
    again = q.send(message(group="g", dedup_id="d"), None, T0 + WINDOW_SECONDS - 1)
    assert again == (first.id, first.sequence)
    late = message(group="g", dedup_id="d")
    assert q.send(late, None, T0 + WINDOW_SECONDS)[0] == late.id


def test_deduplication_may_be_per_group():
    q = fifo(DeduplicationScope="messageGroup")
    for group in ("g", "h", "g"):
        q.send(message(group, group=group, dedup_id="d"), None, T0)
    assert sorted(bodies(q, T0)) == ["g", "h"]


def test_lowering_the_delay_of_a_fifo_queue_lets_nothing_overtake():
    q = fifo(DelaySeconds=10)
    send_to(q, "g", "1")
    q.settings = settings_from({"FifoQueue": "true"}, fifo=True)
    send_to(q, "g", "2", at=T0 + 1)
    assert bodies(q, T0 + 9) == []
    assert bodies(q, T0 + 10) == ["1", "2"]
