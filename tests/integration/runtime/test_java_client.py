"""Java's own HTTP client, which asks every server for HTTP/2 (`Upgrade: h2c`), is answered."""

import json
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

from tests.contract.sqs.backends import broker_process, sqs_at
from tests.integration.runtime.conftest import Start

PROGRAM = Path(__file__).with_name("Post.java")
BODY = '{"text": "' + "x" * 100_000 + '"}'


@pytest.fixture(scope="module")
def java() -> str:
    found = shutil.which("java")
    if found is None:
        warnings.warn("java is not installed: its HTTP client was not tried", stacklevel=1)
        pytest.skip("java is not installed: its HTTP client was not tried")
    return found


def posted(java: str, url: str, body: str, *headers: str) -> list[tuple[str, str]]:
    """Status and body of each answer."""
    ran = subprocess.run(
        [java, "-XX:TieredStopAtLevel=1", str(PROGRAM), url, body, *headers],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    answers = [line.partition(" ") for line in ran.stdout.splitlines()]
    return [(status, text) for status, _, text in answers]


def test_the_gateway_reads_what_java_posts(java: str, start: Start) -> None:
    port = start("gateway", host="127.0.0.1", port=0).wait_for("listening")["port"]
    answers = posted(java, f"http://127.0.0.1:{port}/items", BODY, "content-type", "text/plain")
    assert answers == [("201", BODY)] * 3


def test_the_broker_reads_what_java_posts(java: str) -> None:
    with broker_process() as (url, _), sqs_at(url) as sqs:
        queue = sqs.queue()
        message = json.dumps({"QueueUrl": queue, "MessageBody": "x" * 10_000})
        answers = posted(java, url, message, "X-Amz-Target", "AmazonSQS.SendMessage")
        assert [status for status, _ in answers] == ["200"] * 3
        assert sqs.bodies(queue, wait=1) == ["x" * 10_000] * 3
