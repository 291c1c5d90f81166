"""The broker's HTTP side: a raw ASGI app for the AWS JSON protocol, and its server process."""

import asyncio
import signal
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import uvicorn

from local.http_protocol import StrictProtocol
from local.runtime.log import adopt_libraries
from local.runtime.watchdog import LoopWatch
from local.services.broker.errors import SqsError, malformed
from local.services.broker.lobby import Client, Lobby
from local.services.broker.polling import receive_message
from local.services.broker.protocol import perform
from local.services.broker.registry import Registry
from local.services.broker.request import Request

_TARGET = b"AmazonSQS."
_JSON = b"application/x-amz-json-1.0"
_MAX_REQUEST_BYTES = 8 * 1024 * 1024  # a 1 MiB message, every character of it escaped in JSON


def run(host: str, port: int, queues: Mapping[str, Mapping[str, str]]) -> None:
    """Serve until SIGTERM or SIGINT, then end every long poll and return within a second.

    `queues` maps names to SQS attribute strings, as CreateQueue takes them.
    """
    adopt_libraries("broker")
    broker = Broker(queues)
    config = uvicorn.Config(
        broker,
        host=host,
        port=port,
        http=StrictProtocol,
        loop="uvloop",
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    _Server(config, broker).run()


class Broker:
    """The ASGI app. `POST /` with X-Amz-Target performs an operation; `GET /health` answers 200."""

    def __init__(self, queues: Mapping[str, Mapping[str, str]]) -> None:
        self._registry = Registry()
        self._started_at = time.time() - time.monotonic()
        self._lobby = Lobby(self._now)
        self._create(queues)

    def close(self) -> None:
        """End every long poll."""
        self._lobby.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "GET" and scope["path"] == "/health":
            await _answer(send, 200, {"status": "ok"})
            return
        try:
            body = await _body(receive)
            answer = await self._perform(dict(scope["headers"]), body, _client(receive))
        except SqsError as error:
            await _refuse(send, error)
            return
        await _answer(send, 200, answer)

    async def _perform(
        self, headers: dict[bytes, bytes], body: bytes, client: Client
    ) -> dict[str, Any]:
        operation = headers.get(b"x-amz-target", b"").removeprefix(_TARGET).decode("latin-1")
        params = _params(body)
        if operation == "ReceiveMessage":
            return await receive_message(self._registry, self._lobby, params, client, self._now)
        request = Request(params, self._now(), headers.get(b"host", b"").decode("latin-1"))
        answer = perform(operation, self._registry, request)
        if operation == "DeleteQueue":
            self._lobby.wake_all()  # its polls find it gone
        self._lobby.serve()
        return answer

    def _create(self, queues: Mapping[str, Mapping[str, str]]) -> None:
        """Create all queues, then their redrive policies: a dead-letter queue may come last."""
        now = self._now()
        for name, texts in queues.items():
            plain = {key: text for key, text in texts.items() if key != "RedrivePolicy"}
            self._registry.create(name, plain, now)
        for name, texts in queues.items():
            if "RedrivePolicy" in texts:
                policy = {"RedrivePolicy": texts["RedrivePolicy"]}
                self._registry.update(self._registry.named(name), policy, now)

    def _now(self) -> float:
        """Seconds since the epoch, but never jumping when the machine's clock is set."""
        return self._started_at + time.monotonic()


class _Server(uvicorn.Server):
    """uvicorn, but a signal releases the parked polls and the process ends with status 0."""

    def __init__(self, config: uvicorn.Config, broker: Broker) -> None:
        super().__init__(config)
        self._broker = broker

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        watch = LoopWatch()
        watch.start()
        yield
        watch.stop()

    def _stop(self) -> None:
        self.should_exit = True
        self._broker.close()


def _client(receive: Any) -> Client:
    return Client(lambda: asyncio.ensure_future(receive()))


async def _body(receive: Any) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _MAX_REQUEST_BYTES:
            raise malformed(f"The request is longer than {_MAX_REQUEST_BYTES} bytes.")
    return body


def _params(body: bytes) -> dict[str, Any]:
    try:
        params = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(f"The request is not valid JSON: {error}") from None
    if not isinstance(params, dict):
        raise malformed("The request must be a JSON object.")
    return params


async def _refuse(send: Any, error: SqsError) -> None:
    body = {"__type": f"com.amazonaws.sqs#{error.code}", "message": error.message}
    header = (b"x-amzn-query-error", f"{error.query_code};Sender".encode())
    await _answer(send, 400, body, header)


async def _answer(
    send: Any, status: int, body: dict[str, Any], *headers: tuple[bytes, bytes]
) -> None:
    content = orjson.dumps(body)
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", _JSON),
            (b"content-length", str(len(content)).encode()),
            (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
            *headers,
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": content})
