"""The broker's queue with time as a value: nothing here waits."""

from itertools import count

import pytest

from local.services.broker.dedup import WINDOW_SECONDS
from local.services.broker.errors import SqsError
from local.services.broker.message import Message
from local.services.broker.queue import Counts, Queue
from local.services.broker.registry import Registry, arn_of
from local.services.broker.settings import settings_from

T0 = 1_000_000.0
_ids = count()


def queue(**attributes: object) -> Queue:
    fifo = "FifoQueue" in attributes
    texts = {name: str(value) for name, value in attributes.items()}
    return Queue("q.fifo" if fifo else "q", "tag", settings_from(texts, fifo))


def fifo(**attributes: object) -> Queue:
    return queue(FifoQueue="true", **attributes)


def message(body: str = "x", at: float = T0, **fields: str) -> Message:
    return Message(id=f"m{next(_ids)}", body=body, body_md5="", sent_at=at, **fields)  # type: ignore[arg-type]


def send(q: Queue, body: str = "x", delay: int | None = None, at: float = T0) -> Message:
    sent = message(body, at)
    q.send(sent, delay, at)
    return sent


def send_to(q: Queue, group: str, body: str, at: float = T0) -> Message:
    sent = message(body, at, group=group, dedup_id=f"{group}{body}")
    q.send(sent, None, at)
    return sent


def bodies(q: Queue, at: float, limit: int = 10, visibility: int | None = None) -> list[str]:
    return [m.body for m in q.receive(limit, at, visibility).messages]


def handle(q: Queue, at: float, limit: int = 1, visibility: int | None = None) -> str:
    [taken] = q.receive(limit, at, visibility).messages
    return q.receipt_handle(taken)


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


# -- FIFO -----------------------------------------------------------------------------------------


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


# -- several queues -------------------------------------------------------------------------------


def registry_with_redrive(retention: int = 345_600) -> Registry:
    registry = Registry()
    registry.create("dead", {"MessageRetentionPeriod": str(retention)}, T0)
    policy = f'{{"deadLetterTargetArn": "{arn_of("dead")}", "maxReceiveCount": 1}}'
    registry.create("source", {"RedrivePolicy": policy, "VisibilityTimeout": "1"}, T0)
    return registry


def test_a_dead_letter_keeps_its_age():
    registry = registry_with_redrive(retention=60)
    source, dead = registry.named("source").queue, registry.named("dead").queue
    send(source)
    for second in range(2):
        registry.receive(source, 10, None, T0 + second)
    assert dead.counts(T0 + 59).ready == 1
    assert dead.counts(T0 + 60).ready == 0


def test_nothing_is_given_up_while_the_dead_letter_queue_is_missing():
    registry = registry_with_redrive()
    registry.delete("dead")
    source = registry.named("source").queue
    send(source)
    received = [registry.receive(source, 10, None, T0 + second) for second in range(3)]
    assert [len(messages) for messages in received] == [1, 1, 1]


def test_a_moved_dead_letter_starts_anew():
    registry = registry_with_redrive()
    source = registry.named("source").queue
    send(source)
    for second in range(2):
        registry.receive(source, 10, None, T0 + second)
    registry.start_move(arn_of("dead"), None, None, T0 + 5)
    [back] = registry.receive(source, 10, None, T0 + 5)
    assert (back.receive_count, back.sent_at, back.dead_letter_source) == (1, T0 + 5, None)
    assert [task.moved for task in registry.moves_of(arn_of("dead"))] == [1]


def test_a_dead_letter_whose_source_is_gone_stays() -> None:
    registry = registry_with_redrive()
    source, dead = registry.named("source").queue, registry.named("dead").queue
    send(source)
    for second in range(2):
        registry.receive(source, 10, None, T0 + second)
    policy = f'{{"deadLetterTargetArn": "{arn_of("dead")}", "maxReceiveCount": 1}}'
    registry.create("still-here", {"RedrivePolicy": policy}, T0)
    registry.delete("source")
    registry.start_move(arn_of("dead"), None, None, T0 + 5)
    assert dead.counts(T0 + 5).ready == 1
    assert [task.moved for task in registry.moves_of(arn_of("dead"))] == [0]


def test_changing_an_attribute_keeps_the_others():
    registry = registry_with_redrive()
    entry = registry.named("source")
    registry.update(entry, {"VisibilityTimeout": "9"}, T0)
    assert entry.queue.settings.visibility == 9
    assert entry.queue.settings.redrive is not None
    registry.update(entry, {"RedrivePolicy": ""}, T0)
    assert entry.queue.settings.redrive is None


def test_a_refused_change_changes_nothing():
    registry = registry_with_redrive()
    entry = registry.named("source")
    policy = f'{{"deadLetterTargetArn": "{arn_of("missing")}", "maxReceiveCount": 1}}'
    with pytest.raises(SqsError):
        registry.update(entry, {"RedrivePolicy": policy, "VisibilityTimeout": "9"}, T0)
    assert entry.queue.settings.visibility == 1
