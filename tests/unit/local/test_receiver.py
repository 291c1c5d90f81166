"""The receiver to try things out with: a real server on loopback, asked by a real client."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from local.cli.receiver import LARGEST_BODY, Delivery, ReceiverServer

WAIT_SECONDS = 30.0


@pytest.fixture
def server() -> Iterator[ReceiverServer]:
    with ReceiverServer() as running:
        yield running


def test_it_keeps_a_delivery_byte_for_byte_and_answers_200(server: ReceiverServer) -> None:
    body = b'{ "n" :1.0}\n'
    answer = httpx.post(server.url("/orders"), content=body, headers={"webhook-id": "e-1"})
    assert answer.status_code == 200
    (kept,) = server.deliveries
    assert (kept.path, kept.body, kept.event_id) == ("/orders", body, "e-1")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/status/410", 410),
        ("/status/503?n=1", 503),
        ("/status/503/orders", 503),
        ("/status/204", 200),
        ("/status/499", 200),  # no status that is known
        ("/orders/status/503", 200),
    ],
)
def test_it_answers_as_its_path_asks_and_keeps_the_delivery(
    server: ReceiverServer, path: str, status: int
) -> None:
    assert httpx.post(server.url(path), content=b"{}").status_code == status
    assert [kept.path for kept in server.deliveries] == [path]


def test_a_get_only_asks_whether_it_is_there(server: ReceiverServer) -> None:
    assert httpx.get(server.url("/health")).status_code == 200
    assert not server.deliveries


def test_one_can_wait_for_a_delivery_that_is_still_to_come() -> None:
    said: list[str] = []
    with ReceiverServer(on_delivery=lambda delivery: said.append(delivery.path)) as server:
        assert server.wait_for(lambda d: d.path == "/a", timeout_seconds=0.01) is None
        httpx.post(server.url("/a"), content=b"1")
        found = server.wait_for(lambda d: d.path == "/a", timeout_seconds=WAIT_SECONDS)
        assert found is not None
        assert found.body == b"1"
    assert said == ["/a"]


def test_deliveries_at_the_same_time_are_told_of_one_by_one() -> None:
    told: list[str] = []

    def tell(delivery: Delivery) -> None:
        told.append("begin")
        time.sleep(0.01)  # long enough for the others to arrive meanwhile
        told.append("end")

    with ReceiverServer(on_delivery=tell) as server, ThreadPoolExecutor(8) as callers:
        list(callers.map(lambda n: httpx.post(server.url(), content=b"%d" % n), range(8)))
    assert told == ["begin", "end"] * 8


def test_a_body_without_a_length_or_beyond_the_limit_is_refused(server: ReceiverServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_SECONDS) as raw:
        raw.sendall(f"POST / HTTP/1.1\r\ncontent-length: {LARGEST_BODY + 1}\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")
    assert httpx.post(server.url(), content=iter([b"chunked"])).status_code == 411
    assert not server.deliveries


def test_a_delivery_is_one_printable_line(server: ReceiverServer) -> None:
    httpx.post(server.url(), content=b"a\x1b[2J\nb" + b"x" * 500)
    line = server.deliveries[0].line()
    assert line.isprintable()
    assert "a�[2J�b" in line
    assert line.endswith("x…")


def test_the_command_prints_deliveries_until_told_to_stop() -> None:
    command = [sys.executable, "-m", "local.cli", "receiver", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as running:
        assert running.stdout is not None
        url = running.stdout.readline().split()[-1]
        httpx.post(f"{url}hook", content=b'{"a":1}', headers={"webhook-id": "e-2"})
        assert running.stdout.readline().rstrip().endswith('/hook webhook-id=e-2 {"a":1}')
        running.send_signal(signal.SIGTERM)
        assert running.wait(WAIT_SECONDS) == 0
