"""Messages arrive as they were sent, with the attributes that were asked for."""

from tests.contract.sqs.backends import Sqs
from tests.contract.sqs.cases import accepted, entry, text


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
