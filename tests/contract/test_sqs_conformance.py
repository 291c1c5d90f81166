"""How SQS behaves, as far as Triggerfish or its users can notice: one suite for every backend.

The cases say what AWS does (API reference, developer guide, and answers recorded from AWS). What
moto and ElasticMQ do otherwise is listed in DIFFERENCES and checked to be still so.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sqs_backends import Sqs, broker_process, elasticmq_url, moto_sqs, sqs_at

MIB = 1_048_576

# backend → case → what it does instead. Strict: a case that passes must be taken off the list.
DIFFERENCES: dict[str, dict[str, str]] = {
    "broker": {},
    "moto": {
        "an_attribute_out_of_range_is_refused": "checks the range of MaximumMessageSize only",
        "an_attribute_that_is_no_integer_is_refused": "fails with a ValueError",
        "an_unknown_attribute_is_refused": "accepts it",
        "a_malformed_queue_name_is_refused": "accepts a name with .fifo for a standard queue",
        "limits_of_a_receive_are_enforced": "accepts a VisibilityTimeout of -1",
        "a_delay_out_of_range_is_refused": "accepts a delay of -1",
        "a_visibility_timeout_out_of_range_is_refused": "accepts -1",
        "visibility_of_a_deleted_message_cannot_be_changed": "answers ReceiptHandleIsInvalid",
        "a_dead_letter_names_the_queue_it_comes_from": "has no DeadLetterQueueSourceArn",
        "a_receive_count_out_of_range_is_refused": "fails with a ValueError for what is no number",
        "a_redrive_policy_must_name_a_queue_that_exists": "answers QueueDoesNotExist",
        "a_dead_letter_queue_must_be_of_the_type_of_its_source": "accepts any type",
        "dead_letters_can_be_moved_back": "has no message move tasks",
        "only_a_dead_letter_queue_can_be_moved_from": "has no message move tasks",
        "message_attributes_count_towards_the_size": "counts the body only",
        "forbidden_characters_are_refused": "accepts them",
        "an_empty_body_is_refused": "accepts it",
        "a_message_has_ten_attributes_at_most": "accepts more",
        "an_empty_attribute_is_refused": "accepts it",
        "a_number_attribute_must_be_a_number": "accepts any text",
        "a_standard_queue_refuses_a_deduplication_id": "accepts it",
        "a_fifo_duplicate_is_answered_with_the_first_message": "answers with a new MessageId",
        "a_fifo_duplicate_is_known_after_the_first_was_deleted": "forgets it with the message",
        "a_fifo_message_cannot_be_deleted_with_an_expired_receipt_handle": "deletes it",
    },
    "elasticmq": {
        "errors_have_their_query_protocol_codes": "sends no x-amzn-query-error, so clients see the JSON names",
        "queues_are_listed_in_pages": "lists all queues at once",
        "a_second_purge_within_a_minute_is_refused": "accepts it",
        "a_queue_has_the_default_limits": "has neither MaximumMessageSize nor MessageRetentionPeriod",
        "an_attribute_out_of_range_is_refused": "checks the range of ReceiveMessageWaitTimeSeconds only",
        "an_attribute_that_is_no_integer_is_refused": "answers InvalidParameterValue",
        "an_unknown_attribute_is_refused": "accepts it",
        "a_fifo_queue_needs_the_fifo_suffix": "answers InvalidAttributeName",
        "message_attributes_are_filtered_by_prefix": "takes the dot of `Hel.*` for a part of the prefix",
        "limits_of_a_receive_are_enforced": "accepts any VisibilityTimeout",
        "a_visibility_timeout_out_of_range_is_refused": "accepts any",
        "visibility_of_a_deleted_message_cannot_be_changed": "answers ReceiptHandleIsInvalid",
        "a_message_can_be_deleted_twice": "answers ReceiptHandleIsInvalid",
        "deleting_with_an_old_receipt_handle_is_accepted": "answers ReceiptHandleIsInvalid",
        "a_long_poll_on_a_dead_letter_queue_wakes_for_a_dead_letter": "does not wake it",
        "a_receive_count_out_of_range_is_refused": "fails with a 500 for what is no number",
        "a_redrive_policy_must_name_a_queue_that_exists": "answers QueueDoesNotExist",
        "a_dead_letter_queue_must_be_of_the_type_of_its_source": "accepts any type",
        "only_a_dead_letter_queue_can_be_moved_from": "times out with a 503",
        "a_message_of_one_mebibyte_is_accepted_and_not_a_byte_more": "answers InvalidAttributeValue",
        "message_attributes_count_towards_the_size": "counts the body only",
        "a_queue_may_have_a_smaller_message_size": "ignores MaximumMessageSize",
        "a_batch_is_as_long_as_one_message_at_most": "answers InvalidAttributeValue",
        "a_batch_has_one_entry_at_least": "accepts an empty batch",
        "the_ids_of_a_batch_are_plain": "accepts any id",
        "an_empty_body_is_refused": "answers InvalidAttributeValue",
        "a_message_has_ten_attributes_at_most": "answers InvalidAttributeValue",
        "an_empty_attribute_is_refused": "answers InvalidAttributeValue",
        "a_number_attribute_must_be_a_number": "answers InvalidAttributeValue",
        "a_fifo_message_cannot_be_deleted_with_an_expired_receipt_handle": "deletes it",
    },
}
DISAGREEMENTS = (
    AssertionError,
    ClientError,
    KeyError,
    NotImplementedError,  # moto, in process
    ValueError,  # moto, in process
    pytest.fail.Exception,  # something was not refused
)
MARKS = {"elasticmq": [pytest.mark.elasticmq]}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    case = metafunc.function.__name__.removeprefix("test_")
    params = []
    for backend, differences in DIFFERENCES.items():
        marks = list(MARKS.get(backend, []))
        if case in differences:
            difference = differences[case]
            marks.append(
                pytest.mark.xfail(
                    reason=f"{backend} {difference}",
                    strict=True,
                    raises=DISAGREEMENTS,
                )
            )
        params.append(pytest.param(backend, marks=marks))
    if "sqs" in metafunc.fixturenames:
        metafunc.parametrize("sqs", params, indirect=True)


@pytest.fixture(scope="session")
def broker() -> Iterator[Sqs]:
    with broker_process() as (url, _), sqs_at(url) as sqs:
        yield sqs


@pytest.fixture
def sqs(request: pytest.FixtureRequest) -> Iterator[Sqs]:
    match request.param:
        case "broker":
            yield request.getfixturevalue("broker")
        case "moto":
            with moto_sqs() as sqs:
                yield sqs
        case "elasticmq":
            with sqs_at(elasticmq_url()) as sqs:
                yield sqs


def code_of(refusal: ClientError) -> str:
    """The name of the modeled exception; for errors that have none, the query protocol's code."""
    error = refusal.response["Error"]
    modeled = str(error.get("QueryErrorCode", error["Code"]))
    return error["Code"] if modeled.endswith("Exception") else modeled


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(ClientError) as refusal:
        yield
    assert code_of(refusal.value) == code


def accepted(act: Callable[[Any], object], values: list[Any]) -> list[Any]:
    """The values that `act` does not refuse as an invalid parameter or attribute."""
    wrongly = []
    for value in values:
        try:
            act(value)
        except ClientError as error:
            if not code_of(error).startswith("Invalid"):
                raise
        else:
            wrongly.append(value)
    return wrongly


def seconds(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def entry(number: int, body: str = "x", **params: object) -> dict[str, object]:
    return {"Id": str(number), "MessageBody": body, **params}


def redrive_to(sqs: Sqs, dead: str, count: object) -> str:
    arn = sqs.attributes(dead)["QueueArn"]
    return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": count})


def give_up(sqs: Sqs, url: str) -> None:
    """Receive the queue's only message once and let the next receive give it up."""
    [message] = sqs.receive(url)
    sqs.hide(url, message, 0)
    assert sqs.receive(url) == []


# -- queues ---------------------------------------------------------------------------------------


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


# -- sending and receiving ------------------------------------------------------------------------


def test_a_message_arrives_as_it_was_sent(sqs: Sqs) -> None:
    url = sqs.queue()
    sent = sqs.send(url, "Grüße, 世界 🐟\n")
    [message] = sqs.receive(url)
    assert message["Body"] == "Grüße, 世界 🐟\n"
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"]


def test_the_md5_of_message_attributes_is_that_of_aws(sqs: Sqs) -> None:
    url = sqs.queue()
    three = {"Help.Me": text("Me"), "Hello": text("There"), "General": text("Kenobi")}
    sent = sqs.send(url, "msg", MessageAttributes=three)
    assert sent["MD5OfMessageAttributes"] == "4c360f3fdafd970e05fae2f149d997f5"
    [message] = sqs.receive(url)
    assert message["MD5OfMessageAttributes"] == "4c360f3fdafd970e05fae2f149d997f5"
    assert message["MessageAttributes"] == three


def test_a_binary_attribute_arrives_with_the_md5_of_aws(sqs: Sqs) -> None:
    url = sqs.queue()
    trace = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"
    attributes = {"attr1": {"DataType": "Binary", "BinaryValue": trace}}
    sqs.send(url, "test", MessageAttributes=attributes)
    [message] = sqs.receive(url)
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == "8cbe4db156db8a94db8b801b7addb984"


def test_message_attributes_are_filtered_by_prefix(sqs: Sqs) -> None:
    url = sqs.queue()
    three = {"Help.Me": text("Me"), "Hello": text("There"), "General": text("Kenobi")}
    sqs.send(url, "msg", MessageAttributes=three)
    [message] = sqs.receive(url, MessageAttributeNames=["Hel.*"])
    assert set(message["MessageAttributes"]) == {"Help.Me", "Hello"}
    assert message["MD5OfMessageAttributes"] == "83fee93c1bcd8b9a5a923ffacdc636c7"


def test_message_attributes_are_returned_only_when_asked_for(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url, MessageAttributes={"a": text("1")})
    [message] = sqs.receive(url, MessageAttributeNames=[])
    assert "MessageAttributes" not in message


def test_system_attributes_are_returned_only_when_asked_for(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url)
    [message] = sqs.receive(url, MessageSystemAttributeNames=["SentTimestamp"], VisibilityTimeout=0)
    assert list(message["Attributes"]) == ["SentTimestamp"]
    [message] = sqs.receive(url, MessageSystemAttributeNames=[])
    assert "Attributes" not in message


def test_receives_are_counted_and_the_first_one_is_remembered(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url)
    [first] = sqs.receive(url)
    sqs.hide(url, first, 0)
    [second] = sqs.receive(url)
    assert first["Attributes"]["ApproximateReceiveCount"] == "1"
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    moment = "ApproximateFirstReceiveTimestamp"
    assert first["Attributes"][moment] == second["Attributes"][moment]
    assert first["ReceiptHandle"] != second["ReceiptHandle"]


def test_an_empty_queue_answers_at_once_without_messages(sqs: Sqs) -> None:
    answer = sqs.client.receive_message(QueueUrl=sqs.queue())
    assert not answer.get("Messages")


def test_a_receive_takes_one_message_unless_told_otherwise(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.client.send_message_batch(QueueUrl=url, Entries=[entry(n) for n in range(3)])
    assert len(sqs.client.receive_message(QueueUrl=url)["Messages"]) == 1


def test_limits_of_a_receive_are_enforced(sqs: Sqs) -> None:
    url = sqs.queue()
    bad = [
        {"MaxNumberOfMessages": 11},
        {"MaxNumberOfMessages": 0},
        {"WaitTimeSeconds": 21},
        {"WaitTimeSeconds": -1},
        {"VisibilityTimeout": 43201},
        {"VisibilityTimeout": -1},
    ]
    assert accepted(lambda params: sqs.client.receive_message(QueueUrl=url, **params), bad) == []


def test_counts_tell_ready_in_flight_and_delayed(sqs: Sqs) -> None:
    url = sqs.queue()
    for delay in (0, 0, 0, 60):
        sqs.send(url, DelaySeconds=delay)
    sqs.receive(url, limit=1)
    attributes = sqs.attributes(url)
    assert attributes["ApproximateNumberOfMessages"] == "2"
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert attributes["ApproximateNumberOfMessagesDelayed"] == "1"


# -- delays ---------------------------------------------------------------------------------------


def test_a_long_poll_wakes_when_a_delayed_message_is_due(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url, "later", DelaySeconds=1)
    assert sqs.bodies(url) == []
    started = time.monotonic()
    assert sqs.bodies(url, wait=5) == ["later"]
    assert 0.8 < time.monotonic() - started < 3


def test_a_delay_out_of_range_is_refused(sqs: Sqs) -> None:
    url = sqs.queue()
    assert accepted(lambda delay: sqs.send(url, DelaySeconds=delay), [901, -1]) == []


def test_a_queue_delays_its_messages(sqs: Sqs) -> None:
    url = sqs.queue(DelaySeconds=1)
    sqs.send(url, "later")
    assert sqs.bodies(url) == []
    assert sqs.bodies(url, wait=5) == ["later"]


def test_a_delay_of_zero_overrides_that_of_the_queue(sqs: Sqs) -> None:
    url = sqs.queue(DelaySeconds=30)
    sqs.send(url, "now", DelaySeconds=0)
    assert sqs.bodies(url) == ["now"]


def test_each_entry_of_a_batch_has_its_own_delay(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.client.send_message_batch(
        QueueUrl=url, Entries=[entry(1, "late", DelaySeconds=1), entry(2, "now", DelaySeconds=0)]
    )
    assert sqs.bodies(url) == ["now"]
    assert sqs.bodies(url, wait=5) == ["late"]


# -- visibility -----------------------------------------------------------------------------------


def test_a_received_message_returns_after_its_visibility_timeout(sqs: Sqs) -> None:
    url = sqs.queue(VisibilityTimeout=1)
    sqs.send(url)
    assert len(sqs.receive(url)) == 1
    assert sqs.receive(url) == []
    assert len(sqs.receive(url, wait=5)) == 1


def test_a_receive_may_set_its_own_visibility_timeout(sqs: Sqs) -> None:
    url = sqs.queue(VisibilityTimeout=30)
    sqs.send(url)
    assert len(sqs.receive(url, VisibilityTimeout=1)) == 1
    assert len(sqs.receive(url, wait=5)) == 1


def test_a_queue_may_hide_nothing(sqs: Sqs) -> None:
    url = sqs.queue(VisibilityTimeout=0)
    sqs.send(url)
    assert [len(sqs.receive(url)), len(sqs.receive(url))] == [1, 1]


def test_a_message_given_back_is_received_at_once(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url)
    [message] = sqs.receive(url)
    sqs.hide(url, message, 0)
    assert len(sqs.receive(url)) == 1


def test_a_visibility_timeout_can_be_shortened(sqs: Sqs) -> None:
    url = sqs.queue(VisibilityTimeout=30)
    sqs.send(url)
    [message] = sqs.receive(url)
    sqs.hide(url, message, 1)
    assert sqs.receive(url) == []
    assert len(sqs.receive(url, wait=5)) == 1


def test_a_visibility_timeout_can_be_extended(sqs: Sqs) -> None:
    url = sqs.queue(VisibilityTimeout=1)
    sqs.send(url)
    [message] = sqs.receive(url)
    sqs.hide(url, message, 30)
    assert sqs.receive(url, wait=2) == []


def test_a_visibility_timeout_out_of_range_is_refused(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url)
    [message] = sqs.receive(url)
    assert accepted(lambda timeout: sqs.hide(url, message, timeout), [43201, -1]) == []


def test_visibility_of_a_deleted_message_cannot_be_changed(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url)
    [message] = sqs.receive(url)
    sqs.delete(url, message)
    with refused("InvalidParameterValue"):
        sqs.hide(url, message, 5)


def test_a_batch_of_visibility_changes_reports_each_entry(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url)
    [message] = sqs.receive(url)
    handle = message["ReceiptHandle"]
    answer = sqs.client.change_message_visibility_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "good", "ReceiptHandle": handle, "VisibilityTimeout": 0},
            {"Id": "bad", "ReceiptHandle": "nonsense", "VisibilityTimeout": 0},
        ],
    )
    assert [done["Id"] for done in answer["Successful"]] == ["good"]
    assert [(f["Id"], f["Code"]) for f in answer["Failed"]] == [("bad", "ReceiptHandleIsInvalid")]
    assert len(sqs.receive(url)) == 1


# -- deleting -------------------------------------------------------------------------------------


def test_a_deleted_message_does_not_return(sqs: Sqs) -> None:
    url = sqs.queue(VisibilityTimeout=1)
    sqs.send(url)
    [message] = sqs.receive(url)
    sqs.delete(url, message)
    assert sqs.receive(url, wait=2) == []


def test_a_message_can_be_deleted_twice(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url)
    [message] = sqs.receive(url)
    sqs.delete(url, message)
    sqs.delete(url, message)


def test_deleting_with_an_old_receipt_handle_is_accepted(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url)
    [message] = sqs.receive(url)
    sqs.hide(url, message, 0)
    sqs.receive(url)
    sqs.delete(url, message)


def test_deleting_after_the_visibility_timeout_works_until_the_next_receive(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url)
    [message] = sqs.receive(url, VisibilityTimeout=0)
    sqs.delete(url, message)
    assert sqs.receive(url) == []


def test_a_malformed_receipt_handle_is_refused(sqs: Sqs) -> None:
    with refused("ReceiptHandleIsInvalid"):
        sqs.delete(sqs.queue(), {"ReceiptHandle": "nonsense"})


def test_a_batch_of_deletes_reports_each_entry(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url)
    [message] = sqs.receive(url)
    answer = sqs.client.delete_message_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "good", "ReceiptHandle": message["ReceiptHandle"]},
            {"Id": "bad", "ReceiptHandle": "nonsense"},
        ],
    )
    assert [done["Id"] for done in answer["Successful"]] == ["good"]
    assert [(f["Id"], f["Code"]) for f in answer["Failed"]] == [("bad", "ReceiptHandleIsInvalid")]


# -- dead letters ---------------------------------------------------------------------------------


def test_a_message_received_too_often_goes_to_the_dead_letter_queue(sqs: Sqs) -> None:
    dead = sqs.queue()
    url = sqs.queue(RedrivePolicy=redrive_to(sqs, dead, 2))
    sent = sqs.send(url, "poison", MessageAttributes={"a": text("1")})
    for _ in range(2):
        [message] = sqs.receive(url)
        sqs.hide(url, message, 0)
    assert sqs.receive(url) == []
    [letter] = sqs.receive(dead)
    assert (letter["Body"], letter["MessageId"]) == ("poison", sent["MessageId"])
    assert letter["MessageAttributes"] == {"a": text("1")}


def test_a_dead_letter_names_the_queue_it_comes_from(sqs: Sqs) -> None:
    dead = sqs.queue()
    url = sqs.queue(RedrivePolicy=redrive_to(sqs, dead, 1))
    sqs.send(url)
    give_up(sqs, url)
    [letter] = sqs.receive(dead)
    source = sqs.attributes(url)["QueueArn"]
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == source


def test_a_long_poll_on_a_dead_letter_queue_wakes_for_a_dead_letter(sqs: Sqs) -> None:
    dead = sqs.queue()
    url = sqs.queue(RedrivePolicy=redrive_to(sqs, dead, "1"))
    sqs.send(url, "poison")
    with polling(sqs, dead) as received:
        give_up(sqs, url)
    assert received == ["poison"]


def test_a_receive_count_out_of_range_is_refused(sqs: Sqs) -> None:
    dead = sqs.queue()
    bad = [0, 1001, "many"]
    make = lambda count: sqs.queue(RedrivePolicy=redrive_to(sqs, dead, count))  # noqa: E731
    assert accepted(make, bad) == []


def test_a_redrive_policy_must_name_a_queue_that_exists(sqs: Sqs) -> None:
    arn = sqs.attributes(sqs.queue())["QueueArn"] + "-not"
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    assert (
        accepted(lambda policy: sqs.queue(RedrivePolicy=policy), [policy, "{}", "nonsense"]) == []
    )


def test_a_dead_letter_queue_must_be_of_the_type_of_its_source(sqs: Sqs) -> None:
    policy = redrive_to(sqs, sqs.fifo(), 3)
    with refused("InvalidParameterValue"):
        sqs.queue(RedrivePolicy=policy)


def test_dead_letters_can_be_moved_back(sqs: Sqs) -> None:
    dead = sqs.queue()
    url = sqs.queue(RedrivePolicy=redrive_to(sqs, dead, 1))
    sqs.send(url, "again")
    give_up(sqs, url)
    arn = sqs.attributes(dead)["QueueArn"]
    sqs.client.start_message_move_task(SourceArn=arn)
    [message] = sqs.receive(url, wait=5)
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    [task] = sqs.client.list_message_move_tasks(SourceArn=arn)["Results"]
    assert task["Status"] in ("RUNNING", "COMPLETED")


def test_only_a_dead_letter_queue_can_be_moved_from(sqs: Sqs) -> None:
    arn = sqs.attributes(sqs.queue())["QueueArn"]
    with refused("InvalidParameterValue"):
        sqs.client.start_message_move_task(SourceArn=arn)


def test_the_sources_of_a_dead_letter_queue_are_listed(sqs: Sqs) -> None:
    dead = sqs.queue()
    url = sqs.queue(RedrivePolicy=redrive_to(sqs, dead, 1))
    assert sqs.client.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]


# -- long polls -----------------------------------------------------------------------------------


@contextmanager
def polling(sqs: Sqs, url: str) -> Iterator[list[str]]:
    """A long poll in the background; its bodies are in the list when the block has ended."""
    received: list[str] = []
    poll = threading.Thread(target=lambda: received.extend(sqs.bodies(url, limit=1, wait=10)))
    poll.start()
    yield received
    poll.join(timeout=15)
    assert not poll.is_alive()


def test_an_empty_long_poll_lasts_as_long_as_asked(sqs: Sqs) -> None:
    url = sqs.queue()
    assert 0.9 < seconds(lambda: sqs.receive(url, wait=1)) < 3


def test_a_queue_may_set_the_length_of_its_polls(sqs: Sqs) -> None:
    url = sqs.queue(ReceiveMessageWaitTimeSeconds=1)
    assert 0.9 < seconds(lambda: sqs.client.receive_message(QueueUrl=url)) < 3


def test_a_long_poll_wakes_for_a_new_message(sqs: Sqs) -> None:
    url = sqs.queue()
    started = time.monotonic()
    with polling(sqs, url) as received:
        sqs.send(url, "news")
    assert received == ["news"]
    assert time.monotonic() - started < 5


def test_two_long_polls_share_two_messages(sqs: Sqs) -> None:
    url = sqs.queue()
    with polling(sqs, url) as one, polling(sqs, url) as other:
        sqs.client.send_message_batch(QueueUrl=url, Entries=[entry(1, "a"), entry(2, "b")])
    assert sorted(one + other) == ["a", "b"]


def test_a_long_poll_wakes_for_a_message_given_back(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url, "again")
    [message] = sqs.receive(url)
    with polling(sqs, url) as received:
        sqs.hide(url, message, 0)
    assert received == ["again"]


# -- limits ---------------------------------------------------------------------------------------


def test_a_message_of_one_mebibyte_is_accepted_and_not_a_byte_more(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url, "x" * MIB)
    with refused("InvalidParameterValue"):
        sqs.send(url, "x" * (MIB + 1))


def test_message_attributes_count_towards_the_size(sqs: Sqs) -> None:
    with refused("InvalidParameterValue"):
        sqs.send(sqs.queue(), "x" * (MIB - 5), MessageAttributes={"a": text("1")})


def test_a_queue_may_have_a_smaller_message_size(sqs: Sqs) -> None:
    url = sqs.queue(MaximumMessageSize=1024)
    sqs.send(url, "x" * 1024)
    with refused("InvalidParameterValue"):
        sqs.send(url, "x" * 1025)


def test_a_batch_is_as_long_as_one_message_at_most(sqs: Sqs) -> None:
    url = sqs.queue()
    half = "x" * (MIB // 2)
    assert sqs.client.send_message_batch(QueueUrl=url, Entries=[entry(1, half), entry(2, half)])
    with refused("BatchRequestTooLong"):
        sqs.client.send_message_batch(QueueUrl=url, Entries=[entry(1, half), entry(2, half + "x")])


def test_a_batch_has_ten_entries_at_most(sqs: Sqs) -> None:
    with refused("TooManyEntriesInBatchRequest"):
        sqs.client.send_message_batch(QueueUrl=sqs.queue(), Entries=[entry(n) for n in range(11)])


def test_a_batch_has_one_entry_at_least(sqs: Sqs) -> None:
    with refused("EmptyBatchRequest"):
        sqs.client.send_message_batch(QueueUrl=sqs.queue(), Entries=[])


def test_the_ids_of_a_batch_are_distinct(sqs: Sqs) -> None:
    with refused("BatchEntryIdsNotDistinct"):
        sqs.client.send_message_batch(QueueUrl=sqs.queue(), Entries=[entry(1), entry(1)])


def test_the_ids_of_a_batch_are_plain(sqs: Sqs) -> None:
    with refused("InvalidBatchEntryId"):
        sqs.client.send_message_batch(
            QueueUrl=sqs.queue(), Entries=[{"Id": "no: colon", "MessageBody": "x"}]
        )


def test_one_bad_entry_fails_alone(sqs: Sqs) -> None:
    url = sqs.queue()
    answer = sqs.client.send_message_batch(
        QueueUrl=url, Entries=[entry(1, "good"), entry(2, "bad", DelaySeconds=901)]
    )
    assert [done["Id"] for done in answer["Successful"]] == ["1"]
    [failure] = answer["Failed"]
    assert (failure["Id"], failure["Code"]) == ("2", "InvalidParameterValue")
    assert failure["SenderFault"] is True
    assert sqs.bodies(url) == ["good"]


def test_forbidden_characters_are_refused(sqs: Sqs) -> None:
    url = sqs.queue()
    assert accepted(lambda body: sqs.send(url, body), ["nul \x00", "bell \x07", "no \uffff"]) == []


def test_an_empty_body_is_refused(sqs: Sqs) -> None:
    with refused("MissingParameter"):
        sqs.send(sqs.queue(), "")


def test_a_message_has_ten_attributes_at_most(sqs: Sqs) -> None:
    with refused("InvalidParameterValue"):
        sqs.send(sqs.queue(), MessageAttributes={f"a{n}": text("1") for n in range(11)})


def test_an_empty_attribute_is_refused(sqs: Sqs) -> None:
    with refused("InvalidParameterValue"):
        sqs.send(sqs.queue(), MessageAttributes={"a": text("")})


def test_a_number_attribute_must_be_a_number(sqs: Sqs) -> None:
    with refused("InvalidParameterValue"):
        number = {"DataType": "Number", "StringValue": "twelve"}
        sqs.send(sqs.queue(), MessageAttributes={"a": number})


def test_an_attribute_of_another_type_is_refused(sqs: Sqs) -> None:
    with refused("InvalidParameterValue"):
        value = {"DataType": "Colour", "StringValue": "blue"}
        sqs.send(sqs.queue(), MessageAttributes={"a": value})


# -- standard queues and FIFO parameters ----------------------------------------------------------


def test_a_standard_queue_refuses_a_deduplication_id(sqs: Sqs) -> None:
    with refused("InvalidParameterValue"):
        sqs.send(sqs.queue(), MessageDeduplicationId="once")


def test_a_standard_queue_accepts_a_message_group_id(sqs: Sqs) -> None:
    url = sqs.queue()
    sqs.send(url, MessageGroupId="tenant", DelaySeconds=0)
    [message] = sqs.receive(url)
    assert message["Attributes"]["MessageGroupId"] == "tenant"


# -- FIFO queues ----------------------------------------------------------------------------------


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
