"""The broker's standard queue with time as a value: nothing here waits."""

import pytest

from local.services.broker.errors import SqsError
from local.services.broker.queue import Counts, Queue
from local.services.broker.settings import settings_from
from tests.unit.local.broker.queues import T0, bodies, handle, queue, send


def test_a_delayed_message_is_not_received_before_its_delay():
    q = queue()
    send(q, delay=10)
    assert bodies(q, T0 + 9.999) == []
    assert bodies(q, T0 + 10) == ["x"]


def test_messages_become_ready_in_the_order_they_are_due():
    q = queue()
    send(q, "late", delay=5)
    send(q, "soon", delay=1)
    send(q, "now")
    assert bodies(q, T0 + 5) == ["now", "soon", "late"]


def test_a_received_message_is_invisible_until_its_timeout():
    q = queue(VisibilityTimeout=30)
    send(q)
    assert bodies(q, T0) == ["x"]
    assert bodies(q, T0 + 29.9) == []
    assert bodies(q, T0 + 30) == ["x"]


def test_extending_a_timeout_outdates_the_former_one():
    q = queue(VisibilityTimeout=30)
    send(q)
    q.change_visibility(handle(q, T0), 100, T0 + 20)
    assert bodies(q, T0 + 119) == []
    assert bodies(q, T0 + 120) == ["x"]


def test_shortening_a_timeout_returns_the_message_once():
    q = queue(VisibilityTimeout=30)
    send(q)
    q.change_visibility(handle(q, T0), 5, T0)
    assert bodies(q, T0 + 5, visibility=1000) == ["x"]
    assert bodies(q, T0 + 30) == []


def test_the_counts_follow_every_state():
    q = queue(VisibilityTimeout=30)
    send(q, delay=10)
    send(q)
    send(q)
    first = handle(q, T0)
    assert q.counts(T0) == Counts(ready=1, in_flight=1, delayed=1)
    q.delete(first, T0)
    assert q.counts(T0 + 10) == Counts(ready=2, in_flight=0, delayed=0)
    bodies(q, T0 + 10)
    assert q.counts(T0 + 10) == Counts(ready=0, in_flight=2, delayed=0)
    assert q.counts(T0 + 40) == Counts(ready=2, in_flight=0, delayed=0)


def test_the_next_due_time_ignores_deleted_messages():
    q = queue(VisibilityTimeout=30)
    send(q, delay=100)
    send(q)
    received = handle(q, T0)
    assert q.next_due() == T0 + 30
    q.delete(received, T0)
    assert q.next_due() == T0 + 100


def test_an_old_receipt_handle_deletes_nothing():
    q = queue(VisibilityTimeout=30)
    send(q)
    old = handle(q, T0)
    new = handle(q, T0 + 30)
    q.delete(old, T0 + 31)
    assert q.counts(T0 + 31).in_flight == 1
    q.delete(new, T0 + 31)
    assert q.counts(T0 + 31) == Counts(0, 0, 0)


def test_a_receipt_handle_of_another_queue_is_refused():
    q = queue()
    send(q)
    other = Queue("other", "different", settings_from({}, fifo=False))
    with pytest.raises(SqsError) as refusal:
        other.delete(handle(q, T0), T0)
    assert refusal.value.code == "ReceiptHandleIsInvalid"


def test_the_first_receive_is_remembered_and_each_is_counted():
    q = queue(VisibilityTimeout=1)
    sent = send(q)
    for second in range(3):
        bodies(q, T0 + second)
    assert (sent.receive_count, sent.first_received_at) == (3, T0)


def test_a_message_expires_after_the_retention_period():
    q = queue(MessageRetentionPeriod=60)
    send(q)
    assert bodies(q, T0 + 59, visibility=0) == ["x"]
    assert bodies(q, T0 + 60) == []
    send(q, at=T0 + 60)
    assert q.counts(T0 + 119).ready == 1
    assert q.counts(T0 + 120).ready == 0


def test_a_message_received_too_often_is_given_up():
    q = queue(VisibilityTimeout=1)
    send(q)
    for second in range(2):
        assert q.receive(10, T0 + second, max_receives=2).dead == []
    received = q.receive(10, T0 + 2, max_receives=2)
    assert [m.body for m in received.dead] == ["x"]
    assert received.messages == []
    assert q.counts(T0 + 2) == Counts(0, 0, 0)


def test_giving_up_does_not_shorten_a_receive():
    q = queue(VisibilityTimeout=1)
    for body in ("dead", "dead", "good"):
        sent = send(q, body)
        sent.receive_count = 5 if body == "dead" else 0
    received = q.receive(1, T0, max_receives=5)
    assert [m.body for m in received.messages] == ["good"]
    assert len(received.dead) == 2


def test_a_purge_leaves_nothing_behind():
    q = queue(VisibilityTimeout=10)
    send(q)
    bodies(q, T0)
    send(q)
    send(q, delay=5)
    q.purge()
    assert q.counts(T0) == Counts(0, 0, 0)
    assert q.next_due() is None
    assert bodies(q, T0 + 100) == []


def test_deleted_messages_do_not_pile_up_behind_a_long_timeout():
    q = queue(VisibilityTimeout=43_200)
    for _ in range(20_000):
        send(q)
        q.delete(handle(q, T0), T0)
    assert len(q._timers) < 2_000


def test_ten_thousand_delayed_messages_are_not_touched_by_a_receive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    q = queue()
    for _ in range(10_000):
        send(q, delay=900)
    looked_at: list[object] = []
    monkeypatch.setattr("local.services.broker.timers._counts", looked_at.append)
    send(q, "now")
    assert bodies(q, T0) == ["now"]
    assert looked_at == []
