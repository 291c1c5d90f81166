"""The gateway under a real server: streams, WebSockets, boto3, several processes, graceful stop."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from local.cli.host import free_port
from local.runtime.invocation import InvokeAccess
from tests.integration.runtime.conftest import Part, Start


class Running:
    def __init__(self, part: Part) -> None:
        self.part = part
        self.address = f"127.0.0.1:{part.wait_for('listening')['port']}"
        self.url = f"http://{self.address}"
        self.http = httpx.Client(base_url=self.url, timeout=30)


@pytest.fixture
def serve(start: Start) -> Iterator[Any]:
    running: list[Running] = []

    def serve_with(**options: Any) -> Running:
        running.append(Running(start("gateway", host="127.0.0.1", port=0, **options)))
        return running[-1]

    yield serve_with
    for gateway in running:
        gateway.http.close()


def lambda_client(serve: Any, **options: Any) -> Any:
    """A client of the invocation API's own listener, which signs with its secret."""
    port = free_port()
    serve(invoke=InvokeAccess(port, "the secret"), **options)
    return signing_client(f"http://127.0.0.1:{port}")


def signing_client(url: str) -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="triggerfish",
        aws_secret_access_key="the secret",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_a_stream_arrives_piece_by_piece(serve: Any) -> None:
    arrivals = []
    with serve().http.stream("GET", "/web/stream") as answer:
        for piece in answer.iter_raw():
            arrivals.append((piece, time.monotonic()))
    assert [piece for piece, _ in arrivals] == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]
    assert arrivals[-1][1] - arrivals[0][1] > 0.3


def test_a_websocket_reaches_its_function_and_other_paths_are_refused(serve: Any) -> None:
    gateway = serve()
    with connect(f"ws://{gateway.address}/web/echo") as socket:
        socket.send("one")
        assert socket.recv(5) == "echo one"
        socket.send("two")
        assert socket.recv(5) == "echo two"
    with pytest.raises(InvalidStatus), connect(f"ws://{gateway.address}/nothing"):
        pass


def test_a_function_with_a_url_of_its_own_streams_and_speaks_websocket(serve: Any) -> None:
    gateway = serve()
    with gateway.http.stream("GET", "/live/stream") as answer:
        assert list(answer.iter_raw()) == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]
    with connect(f"ws://{gateway.address}/live/echo") as socket:
        socket.send("one")
        assert socket.recv(5) == "echo one"


def test_both_lanes_answer_alike(serve: Any) -> None:
    native, event = serve(), serve(event_lane=True)
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/items/a%20b?x=1&x=2&y=%26", {"headers": {"cookie": "flavour=sweet"}}),
        ("GET", "/items/ü", {"headers": [("x-tags", "a"), ("accept", "*/*")]}),
        ("POST", "/items", {"json": {"a": [1, 2]}}),
        ("POST", "/items", {"content": b"\x00\xff", "headers": {"content-type": "image/png"}}),
        ("DELETE", "/items", {}),
        ("GET", "/web/none", {}),
        ("GET", "/nowhere", {}),
    ]
    for method, path, options in requests:
        one, other = (g.http.request(method, path, **options) for g in (native, event))
        assert one.status_code == other.status_code, path
        assert one.content == other.content, path
        assert _told(one) == _told(other), path


def _told(answer: httpx.Response) -> list[tuple[str, str]]:
    return sorted((k, v) for k, v in answer.headers.multi_items() if k != "date")


def test_boto3_invokes_a_function(serve: Any) -> None:
    client = lambda_client(serve)
    answer = client.invoke(FunctionName="plain", Payload=b'{"name": "x"}', LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert json.loads(answer["Payload"].read())["name"] == "x"
    assert "FunctionError" not in answer
    log = base64.b64decode(answer["LogResult"]).decode().splitlines()
    assert [line.split()[0] for line in log] == ["START", "called", "END", "REPORT"]


def test_boto3_lists_functions_of_a_gateway_of_several_processes(serve: Any) -> None:
    client = lambda_client(serve, processes=2)
    assert "plain" in {one["FunctionName"] for one in client.list_functions()["Functions"]}


@pytest.mark.attack("invocation of functions from outside")
def test_boto3_with_a_wrong_secret_is_refused(serve: Any) -> None:
    port = free_port()
    url = serve(invoke=InvokeAccess(port, "another secret")).url
    for endpoint in (f"http://127.0.0.1:{port}", url):
        with pytest.raises(ClientError):
            signing_client(endpoint).invoke(FunctionName="plain")


def test_boto3_sees_a_functions_error_as_lambda_shows_it(serve: Any) -> None:
    client = lambda_client(serve)
    answer = client.invoke(FunctionName="plain", Payload=b'{"name": "fail"}', LogType="Tail")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    envelope = json.loads(answer["Payload"].read())
    assert (envelope["errorType"], envelope["errorMessage"]) == ("ValueError", "it was told to")
    assert "plain.py" in base64.b64decode(answer["LogResult"]).decode()


def test_boto3_invokes_without_waiting_or_only_tries(serve: Any) -> None:
    client = lambda_client(serve)
    for kind, status in (("Event", 202), ("DryRun", 204)):
        answer = client.invoke(FunctionName="plain", InvocationType=kind, Payload=b"{}")
        assert (answer["StatusCode"], answer["Payload"].read()) == (status, b"")


def test_boto3_knows_an_unknown_function_by_its_error(serve: Any) -> None:
    client = lambda_client(serve)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Function not found"):
        client.invoke(FunctionName="nobody")
    with pytest.raises(ClientError):
        client.invoke(FunctionName="plain", Payload=b"{")


def test_a_request_in_flight_is_finished_before_the_gateway_ends(serve: Any) -> None:
    gateway = serve()
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(gateway.http.get("/web/slow", params={"seconds": 1}))

    gateway.http.get("/items/1")
    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.3)  # the request is under way: the gateway was warm
    gateway.part.stop(seconds=12)
    asking.join()
    assert answers[0].json() == {"slept": 1}


def test_an_open_websocket_or_idle_connection_does_not_hold_up_the_stop(serve: Any) -> None:
    gateway = serve()
    gateway.http.get("/items/1")
    with connect(f"ws://{gateway.address}/web/echo") as socket:
        socket.send("one")
        assert socket.recv(5) == "echo one"
        gateway.part.stop(seconds=5)
        with pytest.raises(ConnectionClosed):
            socket.recv(5)


def test_a_killed_process_is_replaced_and_the_others_go_on(serve: Any) -> None:
    gateway = serve(processes=2)
    assert gateway.http.get("/items/1").status_code == 200
    parent = psutil.Process(gateway.part.process.pid)
    victim = _servers(parent)[0]
    victim.kill()
    deadline = time.monotonic() + 20
    while victim in _servers(parent) or len(_servers(parent)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for _ in range(5):
        answer = httpx.get(f"{gateway.url}/items/1", timeout=20)
        assert answer.status_code == 200
    gateway.part.stop(seconds=20)


def test_no_process_outlives_a_killed_parent(serve: Any) -> None:
    gateway = serve(processes=2)
    gateway.http.get("/items/1")
    children = psutil.Process(gateway.part.process.pid).children(recursive=True)
    assert len(children) >= 2
    gateway.part.process.kill()
    _, alive = psutil.wait_procs(children, timeout=15)
    assert alive == []


def _servers(parent: psutil.Process) -> list[psutil.Process]:
    return [
        child
        for child in parent.children()
        if child.is_running() and "spawn_main" in " ".join(_command(child))
    ]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def test_a_broken_function_ends_the_gateway_at_boot(start: Start, tmp_path: Any) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n"
        "      CodeUri: nowhere\n      Handler: f.handler\n      Events: {E: {Type: HttpApi}}\n"
    )
    for processes in (1, 2):
        part = start("gateway", template=template, host="127.0.0.1", port=0, processes=processes)
        assert part.process.wait(30) != 0
