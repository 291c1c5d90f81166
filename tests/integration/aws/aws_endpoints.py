"""The two AWS services that functions talk to: Lambda's Runtime API, and a queue that only takes.

Runtime API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
DEADLINE_SECONDS = 60


@dataclass(frozen=True)
class Invocation:
    id: str
    event: bytes
    answer: "Future[tuple[bool, Any]]"


class RuntimeApi:
    """Hands a function's process its events and takes the answers."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.Queue[Invocation | None] = queue.Queue()
        self._running: dict[str, Invocation] = {}
        self._init_error: Any = None
        self.address, self._server = _serve(self._answer)

    def invoke(self, event: Any) -> Any:
        """The function's answer. Raises AssertionError when it failed or takes too long."""
        invocation = Invocation(str(uuid4()), json.dumps(event).encode(), Future())
        self._waiting.put(invocation)
        well, answer = invocation.answer.result(DEADLINE_SECONDS)
        assert well, f"{self._name} failed: {answer}"
        return answer

    def died(self, status: int) -> None:
        """Fail what waits for a process that has ended."""
        lost = list(self._running.values())
        while not self._waiting.empty():
            lost += [waiting] if (waiting := self._waiting.get()) else []
        reason = self._init_error or f"its process ended with {status}"
        for invocation in lost:
            invocation.answer.set_result((False, reason))

    def close(self) -> None:
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, method: str, path: str, headers: Any, body: bytes) -> "Reply":
        if path.endswith("/invocation/next"):
            return self._next()
        if path.endswith("/init/error"):
            self._init_error = json.loads(body)
            return Reply(202, b"{}")
        *_, id, outcome = path.split("/")
        self._running.pop(id).answer.set_result((outcome == "response", json.loads(body)))
        return Reply(202, b"{}")

    def _next(self) -> "Reply":
        invocation = self._waiting.get()
        if invocation is None:
            return Reply(410)
        self._running[invocation.id] = invocation
        deadline_ms = int((time.time() + DEADLINE_SECONDS) * 1000)
        return Reply(
            200,
            invocation.event,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.id,
                "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": ARN + self._name,
                "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
                "Content-Type": "application/json",  # the client crashes without it
            },
        )


class RecordingSqs:
    """Keeps what is sent and who did what; a caller is known by its access key."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.actions: dict[str, set[str]] = defaultdict(set)
        self.address, self._server = _serve(self._answer)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, method: str, path: str, headers: Any, body: bytes) -> "Reply":
        caller = headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        action = headers["X-Amz-Target"].removeprefix("AmazonSQS.")
        self.actions[caller].add(action)
        return Reply(200, json.dumps(getattr(self, f"_{action}")(json.loads(body))).encode())

    def _SendMessageBatch(self, request: dict[str, Any]) -> dict[str, Any]:
        self.bodies += [entry["MessageBody"] for entry in request["Entries"]]
        sent = [{"Id": entry["Id"], "MessageId": str(uuid4())} for entry in request["Entries"]]
        return {"Successful": sent, "Failed": []}

    def _GetQueueAttributes(self, request: dict[str, Any]) -> dict[str, Any]:
        numbers = ("", "NotVisible", "Delayed")
        return {"Attributes": {f"ApproximateNumberOfMessages{name}": "0" for name in numbers}}


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def _serve(answer: Any) -> tuple[str, ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            reply = answer(self.command, self.path, self.headers, body)
            self.send_response(reply.status)
            for name, value in {**reply.headers, "content-length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_port}", server


@contextmanager
def recording_sqs() -> Iterator[RecordingSqs]:
    sqs = RecordingSqs()
    try:
        yield sqs
    finally:
        sqs.close()
