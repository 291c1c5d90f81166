"""The broker as a process: start with queues, clients that hang up, and a prompt, clean end."""

import http.client
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.sqs.backends import Sqs, broker_process, sqs_at


def call(url: str, operation: str, **params: object) -> http.client.HTTPConnection:
    """Send a request and leave the answer to the caller, who may also hang up."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    headers = {
        "X-Amz-Target": f"AmazonSQS.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
    }
    connection.request("POST", "/", json.dumps(params), headers)
    return connection


def answer(connection: http.client.HTTPConnection) -> tuple[int, dict[str, Any], str | None]:
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()
    return response.status, body, response.getheader("x-amzn-query-error")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with broker_process() as (url, _):
        yield url


@pytest.fixture(scope="module")
def sqs(url: str) -> Iterator[Sqs]:
    with sqs_at(url) as sqs:
        yield sqs


def test_the_queues_of_the_file_exist_with_their_attributes(tmp_path: Path) -> None:
    policy = {
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:last",
        "maxReceiveCount": 5,
    }
    queues = {
        "first": {"VisibilityTimeout": "180", "RedrivePolicy": json.dumps(policy)},
        "last": {},
    }
    (tmp_path / "queues.json").write_text(json.dumps(queues))
    with broker_process(tmp_path / "queues.json") as (url, _), sqs_at(url) as sqs:
        attributes = sqs.attributes(sqs.client.get_queue_url(QueueName="first")["QueueUrl"])
    assert attributes["VisibilityTimeout"] == "180"
    assert json.loads(attributes["RedrivePolicy"]) == policy


def test_a_client_that_hangs_up_swallows_no_message(url: str, sqs: Sqs) -> None:
    queue = sqs.queue()
    polls = [call(url, "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=20) for _ in range(3)]
    until_read(sqs, queue)
    for poll in polls:
        poll.close()
    until_read(sqs, queue)
    sqs.send(queue, "kept")
    assert sqs.bodies(queue, wait=2) == ["kept"]


def test_a_message_meant_for_a_client_that_hung_up_wakes_the_next(url: str, sqs: Sqs) -> None:
    queue = sqs.queue()
    gone = call(url, "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=20)
    waiting = call(url, "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=20)
    until_read(sqs, queue)
    gone.close()
    started = time.monotonic()
    sqs.send(queue, "kept")
    _, body, _ = answer(waiting)
    assert [message["Body"] for message in body["Messages"]] == ["kept"]
    assert time.monotonic() - started < 5


def test_deleting_a_queue_ends_its_long_polls(url: str, sqs: Sqs) -> None:
    queue = sqs.queue()
    poll = call(url, "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=20)
    until_read(sqs, queue)
    sqs.client.delete_queue(QueueUrl=queue)
    status, body, query_error = answer(poll)
    assert (status, body["__type"]) == (400, "com.amazonaws.sqs#QueueDoesNotExist")
    assert query_error == "AWS.SimpleQueueService.NonExistentQueue;Sender"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_broker_within_a_second_although_polls_are_parked(number: int) -> None:
    with broker_process() as (url, process), sqs_at(url) as sqs:
        queue = sqs.queue()
        polls = [call(url, "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=20) for _ in range(5)]
        until_read(sqs, queue)
        started = time.monotonic()
        process.send_signal(number)
        assert process.wait(timeout=5) == 0
        assert time.monotonic() - started < 1
    assert [answer(poll)[:2] for poll in polls] == [(200, {})] * 5


def until_read(sqs: Sqs, queue: str) -> None:
    """Round trips on another connection: after them the broker has read what came in before."""
    for _ in range(20):
        sqs.attributes(queue)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"MessageBody": 5}, "SerializationException"),
        ({"MessageBody": "x", "DelaySeconds": "5"}, "SerializationException"),
        ({"MessageBody": "x", "DelaySeconds": True}, "SerializationException"),
        ({"MessageBody": "x", "DelaySeconds": 1.5}, "SerializationException"),
        ({"MessageBody": "x", "MessageAttributes": []}, "SerializationException"),
        ({"MessageBody": "x", "MessageAttributes": {"a": 1}}, "SerializationException"),
        ({}, "MissingRequiredParameterException"),
    ],
)
def test_a_parameter_of_the_wrong_type_is_refused(
    url: str, sqs: Sqs, params: dict[str, Any], code: str
) -> None:
    status, body, _ = answer(call(url, "SendMessage", QueueUrl=sqs.queue(), **params))
    assert (status, body["__type"]) == (400, f"com.amazonaws.sqs#{code}")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b'{"a": "\\ud800"}', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(url: str, content: bytes) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request("POST", "/", content, {"X-Amz-Target": "AmazonSQS.SendMessage"})
    status, body, _ = answer(connection)
    assert (status, body["__type"]) == (400, "com.amazonaws.sqs#SerializationException")


def test_an_unknown_operation_is_refused(url: str) -> None:
    status, body, query_error = answer(call(url, "FlyToTheMoon"))
    assert (status, body["__type"]) == (400, "com.amazonaws.sqs#UnknownOperationException")
    assert query_error == "InvalidAction;Sender"
