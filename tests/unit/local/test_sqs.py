"""One queue as the poller uses it, with SQS played by moto over HTTP."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import boto3
import pytest

from async_sqs import SqsClient
from local.runtime.sqs import QueueAwayError, SqsQueue
from tests.mocked_aws import aws_endpoint, mocked_aws
from tests.sqs_service import SqsService

POLICY = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 2}
DEFINITIONS = {
    "dead": {"MessageRetentionPeriod": "1209600"},
    "jobs": {"VisibilityTimeout": "60", "RedrivePolicy": json.dumps(POLICY)},
}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL_SQS", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    with mocked_aws():
        yield boto3.client("sqs")


@pytest.fixture
async def queue(client: Any) -> AsyncIterator[SqsQueue]:
    sqs = SqsClient(aws_endpoint())
    yield SqsQueue("jobs", sqs, DEFINITIONS)
    await sqs.close()


def send(client: Any, count: int) -> str:
    url = client.get_queue_url(QueueName="jobs")["QueueUrl"]
    for number in range(count):
        client.send_message(QueueUrl=url, MessageBody=f"{number}")
    return str(url)


def counts(client: Any, url: str) -> tuple[int, int]:
    """(visible, in flight)"""
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    return tuple(int(attributes[name]) for name in names)  # type: ignore[return-value]


async def test_missing_queues_are_made_with_a_redrive_to_the_real_dead_letters(
    queue: SqsQueue, client: Any
) -> None:
    assert await queue.receive(10, 0) == []
    url = client.get_queue_url(QueueName="jobs")["QueueUrl"]
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    dead = client.get_queue_url(QueueName="dead")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "60"
    assert json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"] == arn["QueueArn"]


async def test_a_queue_that_vanishes_is_made_again(queue: SqsQueue, client: Any) -> None:
    await queue.receive(10, 0)
    client.delete_queue(QueueUrl=client.get_queue_url(QueueName="jobs")["QueueUrl"])
    assert await queue.receive(10, 0) == []
    send(client, 1)
    assert len(await queue.receive(10, 0)) == 1


async def test_messages_are_received_with_their_attributes_and_deleted(
    queue: SqsQueue, client: Any
) -> None:
    await queue.receive(10, 0)
    url = send(client, 12)
    messages = [*await queue.receive(10, 0), *await queue.receive(10, 0)]
    assert messages[0]["Attributes"]["ApproximateReceiveCount"] == "1"
    assert counts(client, url) == (0, 12)
    await queue.delete(messages)
    assert counts(client, url) == (0, 0)


async def test_released_messages_are_visible_at_once(queue: SqsQueue, client: Any) -> None:
    await queue.receive(10, 0)
    url = send(client, 3)
    await queue.release(await queue.receive(10, 0))
    assert counts(client, url) == (3, 0)


def refusing(refused: dict[str, int]) -> SqsService:
    """Deletes fail for the receipts in `refused`, each as often as its number says."""

    def delete(request: Mapping[str, Any]) -> dict[str, Any]:
        failed = []
        for entry in request["Entries"]:
            if refused.get(entry["ReceiptHandle"], 0) > 0:
                refused[entry["ReceiptHandle"]] -= 1
                failed.append({"Id": entry["Id"], "SenderFault": False, "Code": "x"})
        return {"Failed": failed}

    return SqsService(DeleteMessageBatch=delete)


async def delete_through(service: SqsService) -> list[list[str]]:
    """The receipts of each call."""
    queue = SqsQueue("jobs", service.client, {})
    await queue.delete([{"ReceiptHandle": "a"}, {"ReceiptHandle": "b"}])
    return [[entry["ReceiptHandle"] for entry in one["Entries"]] for _, one in service.calls]


async def test_only_failed_deletes_are_tried_again() -> None:
    assert await delete_through(refusing({"b": 1})) == [["a", "b"], ["b"]]


async def test_a_delete_that_keeps_failing_is_logged_and_given_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert await delete_through(refusing({"b": 99})) == [["a", "b"], ["b"], ["b"]]
    assert "delete_failed" in capsys.readouterr().err


async def test_a_connection_error_is_told_apart_as_the_queue_being_away(client: Any) -> None:
    sqs = SqsClient("http://127.0.0.1:1")
    with pytest.raises(QueueAwayError, match="ClientConnectorError"):
        await SqsQueue("jobs", sqs, {}).receive(10, 0)
    await sqs.close()
