"""One queue through boto3, with SQS played by moto."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from local.runtime.sqs import QueueAwayError, SqsQueue, connect
from tests.mocked_aws import mocked_aws

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
        yield connect(2)


@pytest.fixture
def queue(client: Any) -> Iterator[SqsQueue]:
    with ThreadPoolExecutor(2) as threads:
        yield SqsQueue("jobs", client, threads, DEFINITIONS)


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


class Refusing:
    """A client whose deletes fail for the receipts in `refused`, each as often as its number says."""

    def __init__(self, refused: dict[str, int]) -> None:
        self.refused = refused
        self.calls: list[list[str]] = []

    def delete_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> Any:
        self.calls.append([entry["ReceiptHandle"] for entry in Entries])
        failed = []
        for entry in Entries:
            if self.refused.get(entry["ReceiptHandle"], 0) > 0:
                self.refused[entry["ReceiptHandle"]] -= 1
                failed.append({"Id": entry["Id"], "SenderFault": False, "Code": "x"})
        return {"Failed": failed}

    def receive_message(self, **_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="http://sqs")


async def delete_through(client: Refusing) -> None:
    with ThreadPoolExecutor(1) as threads:
        queue = SqsQueue("jobs", client, threads, {})  # type: ignore[arg-type]
        await queue.delete([{"ReceiptHandle": "a"}, {"ReceiptHandle": "b"}])


async def test_only_failed_deletes_are_tried_again() -> None:
    client = Refusing({"b": 1})
    await delete_through(client)
    assert client.calls == [["a", "b"], ["b"]]


async def test_a_delete_that_keeps_failing_is_logged_and_given_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = Refusing({"b": 99})
    await delete_through(client)
    assert client.calls == [["a", "b"], ["b"], ["b"]]
    assert "delete_failed" in capsys.readouterr().err


async def test_a_connection_error_is_told_apart_as_the_queue_being_away() -> None:
    with ThreadPoolExecutor(1) as threads:
        queue = SqsQueue("jobs", Refusing({}), threads, {})  # type: ignore[arg-type]
        queue._url = "known"
        with pytest.raises(QueueAwayError, match="Could not connect"):
            await queue.receive(10, 0)
