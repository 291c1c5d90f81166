"""The broker's queues together: dead letters, moves, changed attributes."""

import pytest

from local.services.broker.errors import SqsError
from local.services.broker.registry import Registry, arn_of
from tests.unit.local.broker.queues import T0, send


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
