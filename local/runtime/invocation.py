"""Lambda's Invoke API, for operators: boto3 and `aws lambda --endpoint-url` talk to it."""

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.runtime.asgi import (
    BodyTooLargeError,
    ClientGoneError,
    Headers,
    Receive,
    Scope,
    Send,
    read_body,
    refuse_websocket,
    respond,
    respond_json,
)
from local.runtime.invoker import FunctionError, Invoker, Result
from local.runtime.log import get_logger
from local.runtime.model import Function
from local.runtime.names import function_arn
from local.runtime.sigv4 import SignedRequest, is_signed
from local.runtime.tail import kept_output

PREFIX = "/2015-03-31/functions/"
_SUFFIX = "/invocations"
_MAX_PAYLOAD_BYTES = 6 * 1024 * 1024  # Lambda's quota for synchronous invocations
_log = get_logger("invocation")


@dataclass(frozen=True, slots=True)
class InvokeAccess:
    """The address of the API's own listener, and the secret that callers sign with (SigV4)."""

    port: int
    secret: str = field(repr=False)
    host: str = "127.0.0.1"


class InvocationApi:
    """Answers `POST /2015-03-31/functions/{name}/invocations`, and `GET` lists the functions.

    Every request must be signed with the secret, wherever it comes from.
    """

    def __init__(
        self,
        invoker: Invoker,
        secret: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._invoker, self._secret, self._clock = invoker, secret, clock
        self._running: set[asyncio.Task[Result]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await refuse_websocket(receive, send)
            return
        try:
            body = await read_body(receive, _MAX_PAYLOAD_BYTES)
        except ClientGoneError:
            _log.info("client_gone")
            return
        except BodyTooLargeError:
            await _refuse(send, 413, "RequestTooLargeException", "Payload is over 6 MB")
            return
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
        if not is_signed(_as_signed(scope, headers, body), self._secret, self._clock()):
            message = "The request must be signed (SigV4) with the platform's invoke secret."
            await _refuse(send, 403, "InvalidSignatureException", message)
            return
        await self._route(scope, headers, body, send)

    async def _route(
        self, scope: Scope, headers: dict[str, bytes], body: bytes, send: Send
    ) -> None:
        method, path = scope["method"], scope["path"]
        if method == "GET" and path.rstrip("/") == PREFIX.rstrip("/"):
            functions = [_configuration(one) for one in self._invoker.functions.values()]
            await respond_json(send, 200, {"Functions": functions})
        elif method == "POST" and path.startswith(PREFIX) and path.endswith(_SUFFIX):
            name = path[len(PREFIX) : -len(_SUFFIX)].rsplit(":", 1)[-1]
            await self._invoke_by_name(name, headers, body, send)
        else:
            await _refuse(send, 404, "ResourceNotFoundException", f"There is no {method} {path}.")

    async def _invoke_by_name(
        self, name: str, headers: dict[str, bytes], body: bytes, send: Send
    ) -> None:
        if name not in self._invoker.functions:
            message = f"Function not found: {function_arn(name)}"
            await _refuse(send, 404, "ResourceNotFoundException", message)
            return
        try:
            event = json.loads(body or b"{}")
        except (ValueError, RecursionError) as error:
            message = f"Could not parse request body into json: {error}"
            await _refuse(send, 400, "InvalidRequestContentException", message)
            return
        await self._invoke(name, event, headers, send)

    async def _invoke(self, name: str, event: Any, headers: dict[str, bytes], send: Send) -> None:
        kind = headers.get("x-amz-invocation-type", b"RequestResponse")
        if kind == b"DryRun":
            await respond(send, 204, b"")
        elif kind == b"Event":
            self._start(name, event)
            await respond(send, 202, b"")
        elif kind == b"RequestResponse":
            with kept_output() as output:
                result = await self._invoker.invoke(name, event)
            tail = headers.get("x-amz-log-type") == b"Tail"
            await _answer(send, result, "".join(output) if tail else None)
        else:
            message = f"Invalid invocation type {kind.decode('latin-1')}"
            await _refuse(send, 400, "InvalidParameterValueException", message)

    def _start(self, name: str, event: Any) -> None:
        task = asyncio.create_task(self._invoker.invoke(name, event))
        self._running.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Result]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.result().error) is not None:
            _log.error("function_failed", **error.envelope())


def _as_signed(scope: Scope, headers: dict[str, bytes], body: bytes) -> SignedRequest:
    query = scope["query_string"].decode("latin-1")
    target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    texts = {name: value.decode("latin-1") for name, value in headers.items()}
    return SignedRequest(scope["method"], target, texts, body)


def _configuration(function: Function) -> dict[str, Any]:
    return {
        "FunctionName": function.name,
        "FunctionArn": function_arn(function.name),
        "Handler": f"{function.module}.{function.attribute}",
        "Timeout": round(function.timeout_seconds),
        "MemorySize": function.memory_mb,
        "Version": "$LATEST",
    }


async def _answer(send: Send, result: Result, output: str | None) -> None:
    error, body = result.error, b""
    if error is None:
        try:
            body = json.dumps(result.payload).encode()
        except (TypeError, ValueError) as problem:
            message = f"Unable to marshal response: {problem}"
            error = FunctionError(message, "Runtime.MarshalError", result.request_id)
    headers = [(b"x-amz-executed-version", b"$LATEST"), *_request_id(result.request_id)]
    if error is not None:
        body = json.dumps(error.envelope()).encode()
        headers.append((b"x-amz-function-error", b"Unhandled"))
    if output is not None:
        log = _log_tail(result, output, error)
        headers.append((b"x-amz-log-result", base64.b64encode(log)))
    await respond(send, 200, body, [(b"content-type", b"application/json"), *headers])


def _log_tail(result: Result, output: str, error: FunctionError | None) -> bytes:
    """What was written, between Lambda's own lines around every invocation; the last 4 KiB."""
    lines = [f"START RequestId: {result.request_id} Version: $LATEST", output.rstrip()]
    if error is not None:
        lines.append(f"[ERROR] {error.type}: {error.message}\n{error.traceback}".rstrip())
    milliseconds = result.seconds * 1000
    lines.append(f"END RequestId: {result.request_id}")
    lines.append(f"REPORT RequestId: {result.request_id}\tDuration: {milliseconds:.2f} ms\n")
    return "\n".join(line for line in lines if line).encode()[-4096:]


def _request_id(request_id: str) -> Headers:
    return [(b"x-amzn-requestid", request_id.encode())]


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    headers = [(b"x-amzn-errortype", code.encode())]
    await respond_json(send, status, {"Type": "User", "Message": message}, headers)
