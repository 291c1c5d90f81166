"""Deleting: what is gone, and which receipt handles are good for it."""

from tests.contract.sqs.backends import Sqs
from tests.contract.sqs.cases import refused


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
