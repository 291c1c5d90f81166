"""Lambda's Invoke API, for operators: boto3 and `aws lambda invoke --endpoint-url` talk to it."""

import asyncio
import base64
import json
from typing import Any

from local.runtime.asgi import (
    BodyTooLargeError,
    ClientGoneError,
    Headers,
    Receive,
    Scope,
    Send,
    read_body,
    respond,
    respond_json,
)
from local.runtime.invoker import FunctionError, Invoker, Result
from local.runtime.log import get_logger
from local.runtime.names import function_arn
from local.runtime.tail import kept_output

PREFIX = "/2015-03-31/functions/"
_SUFFIX = "/invocations"
_MAX_PAYLOAD_BYTES = 6 * 1024 * 1024  # Lambda's quota for synchronous invocations
_LOOPBACK = ("127.", "::1", "::ffff:127.")
# Whoever comes through a proxy or from a web page is not an operator on this machine; nor is a
# webhook, which somebody may have aimed at us.
_NOT_LOCAL_HEADERS = {
    b"x-forwarded-for",
    b"forwarded",
    b"x-real-ip",
    b"origin",
    b"sec-fetch-site",
    b"webhook-id",
}
_log = get_logger("invocation")


class InvocationApi:
    """Answers `POST /2015-03-31/functions/{name}/invocations`.

    `open_to_all` lifts the restriction to loopback.
    """

    def __init__(self, invoker: Invoker, *, open_to_all: bool = False) -> None:
        self._invoker, self._open = invoker, open_to_all
        self._running: set[asyncio.Task[Result]] = set()

    def admits(self, scope: Scope) -> bool:
        """Whether this is an invocation by somebody who may; anything else is an unknown path."""
        path = scope["path"]
        if not (scope["type"] == "http" and scope["method"] == "POST" and path.endswith(_SUFFIX)):
            return False
        return self._open or _is_local(scope)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"][len(PREFIX) : -len(_SUFFIX)].rsplit(":", 1)[-1]
        if name not in self._invoker.functions:
            await _refuse(send, 404, "ResourceNotFoundException", _not_found(name))
            return
        try:
            body = await read_body(receive, _MAX_PAYLOAD_BYTES)
            event = json.loads(body or b"{}")
        except ClientGoneError:
            _log.info("client_gone", function=name)
            return
        except BodyTooLargeError:
            await _refuse(send, 413, "RequestTooLargeException", "Payload is over 6 MB")
            return
        except (ValueError, RecursionError) as error:
            message = f"Could not parse request body into json: {error}"
            await _refuse(send, 400, "InvalidRequestContentException", message)
            return
        await self._invoke(name, event, dict(scope["headers"]), send)

    async def _invoke(self, name: str, event: Any, headers: dict[bytes, bytes], send: Send) -> None:
        kind = headers.get(b"x-amz-invocation-type", b"RequestResponse")
        if kind == b"DryRun":
            await respond(send, 204, b"")
        elif kind == b"Event":
            self._start(name, event)
            await respond(send, 202, b"")
        elif kind == b"RequestResponse":
            with kept_output() as output:
                result = await self._invoker.invoke(name, event)
            tail = headers.get(b"x-amz-log-type") == b"Tail"
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


def _is_local(scope: Scope) -> bool:
    client = scope.get("client")
    if client is None or not client[0].startswith(_LOOPBACK):
        return False
    return not any(name in _NOT_LOCAL_HEADERS for name, _ in scope["headers"])


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


def _not_found(name: str) -> str:
    return f"Function not found: {function_arn(name)}"


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    headers = [(b"x-amzn-errortype", code.encode())]
    await respond_json(send, status, {"Type": "User", "Message": message}, headers)
