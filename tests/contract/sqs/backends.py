"""The SQS implementations that the conformance suite runs against, and the small client it speaks with."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.mocked_aws import mocked_aws

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 20


class Sqs:
    """A boto3 client with the few shortcuts the cases need; `client` is the client itself."""

    def __init__(self, endpoint_url: str | None) -> None:
        self.client: Any = boto3.client(
            "sqs",
            endpoint_url=endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            # What is wrong must reach the server, and a refusal must be seen once.
            config=Config(parameter_validation=False, retries={"max_attempts": 0}),
        )

    def queue(self, **attributes: object) -> str:
        """A new queue; returns its URL."""
        name = f"case-{uuid.uuid4().hex}" + (".fifo" if "FifoQueue" in attributes else "")
        texts = {key: str(value) for key, value in attributes.items()}
        url: str = self.client.create_queue(QueueName=name, Attributes=texts)["QueueUrl"]
        return url

    def fifo(self, **attributes: object) -> str:
        return self.queue(FifoQueue="true", **attributes)

    def attributes(self, url: str) -> dict[str, str]:
        answer = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        attributes: dict[str, str] = answer["Attributes"]
        return attributes

    def send(self, url: str, body: str = "x", **params: object) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.send_message(QueueUrl=url, MessageBody=body, **params)
        return answer

    def receive(
        self, url: str, limit: int = 10, wait: int = 0, **params: object
    ) -> list[dict[str, Any]]:
        """Messages with all their attributes."""
        given: dict[str, object] = {
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
            **params,
        }
        answer = self.client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=limit, WaitTimeSeconds=wait, **given
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def bodies(self, url: str, limit: int = 10, wait: int = 0) -> list[str]:
        return [message["Body"] for message in self.receive(url, limit, wait)]

    def delete(self, url: str, message: dict[str, Any]) -> None:
        self.client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def hide(self, url: str, message: dict[str, Any], seconds: int) -> None:
        self.client.change_message_visibility(
            QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
        )


@contextmanager
def sqs_at(endpoint_url: str | None) -> Iterator[Sqs]:
    """A client that leaves no connection open."""
    sqs = Sqs(endpoint_url)
    try:
        yield sqs
    finally:
        sqs.client.close()


@contextmanager
def moto_sqs() -> Iterator[Sqs]:
    with mocked_aws(), sqs_at(None) as sqs:
        yield sqs


@contextmanager
def broker_process(queues: Path | None = None) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A broker on a free port: its URL and its process, stopped at the end if it still runs."""
    port = free_port()
    command = [sys.executable, "-m", "local.services.broker", "--port", str(port)]
    command += ["--queues", str(queues)] if queues else []
    process = subprocess.Popen(command, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(url, process)
        yield url, process
    finally:
        process.terminate()
        process.wait(timeout=10)


def elasticmq_url() -> str:
    return os.environ["ELASTICMQ_URL"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_healthy(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the broker exited with status {process.returncode}")
        try:
            urllib.request.urlopen(f"{url}/health", timeout=2).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the broker is not healthy")
