"""Queues: made, found, listed, emptied, deleted, and their attributes."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sqs.backends import Sqs
from tests.contract.sqs.cases import MIB, accepted, refused


def test_creating_a_queue_again_with_the_same_attributes_returns_its_url(sqs: Sqs) -> None:
    name = uuid.uuid4().hex
    first = sqs.client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "10"})
    again = sqs.client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "10"})
    assert again["QueueUrl"] == first["QueueUrl"]


def test_creating_a_queue_again_with_other_attributes_is_refused(sqs: Sqs) -> None:
    name = uuid.uuid4().hex
    sqs.client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "10"})
    with refused("QueueNameExists"):
        sqs.client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "11"})


def test_an_existing_name_raises_the_modeled_exception(sqs: Sqs) -> None:
    name = uuid.uuid4().hex
    sqs.client.create_queue(QueueName=name, Attributes={"DelaySeconds": "10"})
    with pytest.raises(sqs.client.exceptions.QueueNameExists):
        sqs.client.create_queue(QueueName=name, Attributes={"DelaySeconds": "11"})


def test_an_unknown_queue_raises_the_modeled_exception(sqs: Sqs) -> None:
    unknown = sqs.queue() + "-not"
    with pytest.raises(sqs.client.exceptions.QueueDoesNotExist):
        sqs.send(unknown)
    with pytest.raises(sqs.client.exceptions.QueueDoesNotExist):
        sqs.client.get_queue_url(QueueName="nobody-made-this")


def test_errors_have_their_query_protocol_codes(sqs: Sqs) -> None:
    with pytest.raises(ClientError) as refusal:
        sqs.receive(sqs.queue() + "-not")
    error: dict[str, Any] = {**refusal.value.response["Error"]}
    assert error["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert error["Type"] == "Sender"


def test_a_queue_is_found_by_its_name(sqs: Sqs) -> None:
    url = sqs.queue()
    assert sqs.client.get_queue_url(QueueName=url.rsplit("/", 1)[1])["QueueUrl"] == url


def test_queues_are_listed_by_prefix(sqs: Sqs) -> None:
    prefix = uuid.uuid4().hex
    for suffix in ("a", "b"):
        sqs.client.create_queue(QueueName=f"{prefix}-{suffix}")
    urls = sqs.client.list_queues(QueueNamePrefix=prefix)["QueueUrls"]
    assert sorted(url.rsplit("-", 1)[1] for url in urls) == ["a", "b"]


def test_queues_are_listed_in_pages(sqs: Sqs) -> None:
    prefix = uuid.uuid4().hex
    for suffix in ("a", "b", "c"):
        sqs.client.create_queue(QueueName=f"{prefix}-{suffix}")
    first = sqs.client.list_queues(QueueNamePrefix=prefix, MaxResults=2)
    rest = sqs.client.list_queues(
        QueueNamePrefix=prefix, MaxResults=2, NextToken=first["NextToken"]
    )
    assert len(first["QueueUrls"]) == 2
    assert len(rest["QueueUrls"]) == 1


def test_a_deleted_queue_is_gone(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.client.delete_queue(QueueUrl=url)
    with refused("QueueDoesNotExist"):
        sqs.send(url)


def test_a_purge_removes_every_message(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url, "in flight")
    sqs.receive(url, VisibilityTimeout=1)
    sqs.send(url, "ready")
    sqs.client.purge_queue(QueueUrl=url)
    assert sqs.bodies(url, wait=2) == []


def test_a_second_purge_within_a_minute_is_refused(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.client.purge_queue(QueueUrl=url)
    with refused("PurgeQueueInProgress"):
        sqs.client.purge_queue(QueueUrl=url)


def test_a_queue_has_the_default_attributes(sqs: Sqs) -> None:
    attributes = sqs.attributes(sqs.queue())
    assert {
        "DelaySeconds": "0",
        "ReceiveMessageWaitTimeSeconds": "0",
        "VisibilityTimeout": "30",
    }.items() <= attributes.items()


def test_a_queue_has_the_default_limits(sqs: Sqs) -> None:
    attributes = sqs.attributes(sqs.queue())
    assert attributes["MaximumMessageSize"] == str(MIB)
    assert attributes["MessageRetentionPeriod"] == "345600"


def test_only_the_wanted_attributes_are_returned(sqs: Sqs) -> None:
    answer = sqs.client.get_queue_attributes(QueueUrl=sqs.queue(), AttributeNames=["DelaySeconds"])
    assert answer["Attributes"] == {"DelaySeconds": "0"}


def test_attributes_can_be_changed(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.client.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    assert sqs.attributes(url)["VisibilityTimeout"] == "7"


def test_an_attribute_out_of_range_is_refused(sqs: Sqs) -> None:
    bad = [
        {"DelaySeconds": "901"},
        {"VisibilityTimeout": "43201"},
        {"ReceiveMessageWaitTimeSeconds": "21"},
        {"MaximumMessageSize": "1023"},
        {"MessageRetentionPeriod": "59"},
    ]
    assert accepted(lambda attributes: sqs.queue(**attributes), bad) == []


def test_an_attribute_that_is_no_integer_is_refused(sqs: Sqs) -> None:
    with refused("InvalidAttributeValue"):
        sqs.queue(DelaySeconds="1.5")


def test_an_unknown_attribute_is_refused(sqs: Sqs) -> None:
    with refused("InvalidAttributeName"):
        sqs.queue(Colour="blue")


def test_a_malformed_queue_name_is_refused(sqs: Sqs) -> None:
    names = ["with space", "a" * 81, "dot.dot", "wannabe.fifo"]
    assert accepted(lambda name: sqs.client.create_queue(QueueName=name), names) == []


def test_a_fifo_queue_needs_the_fifo_suffix(sqs: Sqs) -> None:
    with refused("InvalidParameterValue"):
        sqs.client.create_queue(QueueName=uuid.uuid4().hex, Attributes={"FifoQueue": "true"})
