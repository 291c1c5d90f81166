"""Limits: sizes, entries of a batch, characters, attributes."""

from tests.contract.sqs.backends import Sqs
from tests.contract.sqs.cases import MIB, accepted, entry, refused, text


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
