"""The poller as a process against an SQS-compatible server (moto's)."""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.integration.runtime.conftest import Start


class Sqs:
    def __init__(self, endpoint: str) -> None:
        self.environ = {
            "AWS_ENDPOINT_URL_SQS": endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        self.client: Any = boto3.client(
            "sqs",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def url(self) -> str:
        return str(self.client.get_queue_url(QueueName="sample-jobs")["QueueUrl"])

    def send(self, jobs: list[dict[str, Any]]) -> None:
        entries = [{"Id": str(i), "MessageBody": json.dumps(job)} for i, job in enumerate(jobs)]
        self.client.send_message_batch(QueueUrl=self.url(), Entries=entries)

    def counts(self) -> tuple[int, int]:
        """(visible, in flight)"""
        answer = self.client.get_queue_attributes(QueueUrl=self.url(), AttributeNames=["All"])
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        visible, in_flight = (int(answer["Attributes"][name]) for name in names)
        return visible, in_flight

    def wait_for(self, counts: tuple[int, int], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while self.counts() != counts:
            assert time.monotonic() < deadline, self.counts()
            time.sleep(0.05)


@pytest.fixture
def sqs() -> Iterator[Sqs]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx.post(f"http://{host}:{port}/moto-api/reset")  # its queues are global to this process
    yield Sqs(f"http://{host}:{port}")
    server.stop()


def test_batches_are_worked_off_and_failures_stay(sqs: Sqs, start: Start) -> None:
    poller = start("poller", sqs.environ)
    poller.wait_for("queue_created")
    assert poller.wait_for("queue_created")["queue"] == "sample-jobs"
    sqs.send([{"name": f"{n}", "fail": n == 3} for n in range(10)])
    sqs.wait_for((0, 1))
    poller.stop()


def test_a_stop_finishes_the_running_batch(sqs: Sqs, start: Start) -> None:
    poller = start("poller", sqs.environ)
    poller.wait_for("queue_created")
    poller.wait_for("queue_created")
    sqs.send([{"name": "slow", "seconds": 2}])
    sqs.wait_for((0, 1))
    poller.stop(seconds=20)
    assert sqs.counts() == (0, 0)


def test_a_poller_that_starts_before_its_queue_server_waits_for_it(start: Start) -> None:
    environ = {"AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9"}
    poller = start("poller", environ)
    assert "127.0.0.1:9" in poller.wait_for("queue_away")["reason"]
    poller.stop(seconds=10)


def test_the_scheduler_beats_every_second_and_stops(start: Start, tmp_path: Any) -> None:
    beats = tmp_path / "beats"
    scheduler = start("scheduler", {"SAMPLE_BEAT_FILE": os.fspath(beats)})
    scheduler.wait_for("scheduling")
    deadline = time.monotonic() + 15
    while not beats.exists() or len(beats.read_text().splitlines()) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    scheduler.stop(seconds=5)
    times = [float(line.split()[0]) for line in beats.read_text().splitlines()]
    assert all(moment % 1 < 0.5 for moment in times[1:]), "aligned to whole seconds"
