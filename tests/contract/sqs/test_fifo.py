"""FIFO queues, and what standard queues make of FIFO's parameters."""

from tests.contract.sqs.backends import Sqs
from tests.contract.sqs.cases import refused


def test_a_standard_queue_refuses_a_deduplication_id(sqs: Sqs) -> None:
    with refused("InvalidParameterValue"):
        sqs.send(sqs.queue(), MessageDeduplicationId="once")


def test_a_standard_queue_accepts_a_message_group_id(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url, MessageGroupId="tenant", DelaySeconds=0)
    [message] = sqs.receive(url)
    assert message["Attributes"]["MessageGroupId"] == "tenant"


def test_a_fifo_queue_needs_a_message_group_id(sqs: Sqs) -> None:
    with refused("MissingParameter"):
        sqs.send(sqs.fifo(), MessageDeduplicationId="d")


def test_a_fifo_queue_needs_a_deduplication_id(sqs: Sqs) -> None:
    with refused("InvalidParameterValue"):
        sqs.send(sqs.fifo(), MessageGroupId="g")


def test_a_fifo_queue_refuses_a_delay_per_message_but_zero(sqs: Sqs) -> None:
    url = sqs.fifo(ContentBasedDeduplication="true")
    sqs.send(url, "zero", MessageGroupId="g", DelaySeconds=0)
    with refused("InvalidParameterValue"):
        sqs.send(url, "one", MessageGroupId="g", DelaySeconds=1)


def test_a_fifo_queue_has_a_delay_of_its_own(sqs: Sqs) -> None:
    url = sqs.fifo(ContentBasedDeduplication="true", DelaySeconds=1)
    sqs.send(url, "later", MessageGroupId="g")
    assert sqs.bodies(url) == []
    assert sqs.bodies(url, wait=5) == ["later"]


def test_a_fifo_duplicate_is_answered_with_the_first_message(sqs: Sqs) -> None:
    url = sqs.fifo()
    first = sqs.send(url, "x", MessageGroupId="g", MessageDeduplicationId="d")
    again = sqs.send(url, "y", MessageGroupId="g", MessageDeduplicationId="d")
    assert again["MessageId"] == first["MessageId"]


def test_a_fifo_duplicate_is_delivered_once(sqs: Sqs) -> None:
    url = sqs.fifo()
    for body in ("first", "again"):
        sqs.send(url, body, MessageGroupId="g", MessageDeduplicationId="d")
    assert sqs.bodies(url) == ["first"]


def test_a_fifo_duplicate_is_known_after_the_first_was_deleted(sqs: Sqs) -> None:
    url = sqs.fifo()
    sqs.send(url, "x", MessageGroupId="g", MessageDeduplicationId="d")
    [message] = sqs.receive(url)
    sqs.delete(url, message)
    sqs.send(url, "x", MessageGroupId="g", MessageDeduplicationId="d")
    assert sqs.receive(url) == []


def test_deduplication_is_across_groups(sqs: Sqs) -> None:
    url = sqs.fifo()
    sqs.send(url, "x", MessageGroupId="one", MessageDeduplicationId="d")
    sqs.send(url, "x", MessageGroupId="other", MessageDeduplicationId="d")
    assert len(sqs.receive(url)) == 1


def test_a_fifo_queue_may_deduplicate_by_content(sqs: Sqs) -> None:
    url = sqs.fifo(ContentBasedDeduplication="true")
    for body in ("a", "a", "b"):
        sqs.send(url, body, MessageGroupId="g")
    assert sqs.bodies(url) == ["a", "b"]


def test_a_fifo_message_carries_group_deduplication_id_and_sequence(sqs: Sqs) -> None:
    url = sqs.fifo()
    sent = sqs.send(url, MessageGroupId="g", MessageDeduplicationId="d")
    [message] = sqs.receive(url)
    attributes = message["Attributes"]
    assert attributes["MessageGroupId"] == "g"
    assert attributes["MessageDeduplicationId"] == "d"
    assert attributes["SequenceNumber"] == sent["SequenceNumber"]


def test_a_group_is_locked_while_a_message_of_it_is_in_flight(sqs: Sqs) -> None:
    url = sqs.fifo(ContentBasedDeduplication="true")
    for group, body in (("g", "1"), ("g", "2"), ("h", "3")):
        sqs.send(url, body, MessageGroupId=group)
    [first] = sqs.receive(url, limit=1)
    assert first["Body"] == "1"
    assert sqs.bodies(url) == ["3"]
    sqs.delete(url, first)
    assert sqs.bodies(url) == ["2"]


def test_a_fifo_message_given_back_keeps_its_place(sqs: Sqs) -> None:
    url = sqs.fifo(ContentBasedDeduplication="true")
    for body in ("1", "2"):
        sqs.send(url, body, MessageGroupId="g")
    [first] = sqs.receive(url, limit=1)
    sqs.hide(url, first, 0)
    assert sqs.bodies(url) == ["1", "2"]


def test_a_fifo_message_cannot_be_deleted_with_an_expired_receipt_handle(sqs: Sqs) -> None:
    url = sqs.fifo(ContentBasedDeduplication="true")
    sqs.send(url, MessageGroupId="g")
    [message] = sqs.receive(url, VisibilityTimeout=0)
    with refused("InvalidParameterValue"):
        sqs.delete(url, message)
