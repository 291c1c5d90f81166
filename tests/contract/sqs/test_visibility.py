"""A received message is hidden for a time, which can be changed."""

from tests.contract.sqs.backends import Sqs
from tests.contract.sqs.cases import accepted, refused


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
