"""A function behind HTTP as AWS runs it: request → API Gateway event → `handler` → HTTP answer.

Nothing streams here.
"""

from datetime import UTC, datetime

from local.runtime.asgi import (
    BodyTooLargeError,
    ClientGoneError,
    Receive,
    Scope,
    Send,
    read_body,
    refuse_websocket,
    respond,
    respond_json,
    send_answer,
)
from local.runtime.http_events import MalformedAnswerError, http_answer, http_event
from local.runtime.invoker import Invoker
from local.runtime.log import get_logger
from local.runtime.model import Route

_MAX_BODY_BYTES = 10 * 1024 * 1024  # API Gateway's quota for HTTP APIs
_log = get_logger("gateway")


class EventLaneApp:
    """An ASGI app for one route of one function."""

    def __init__(self, invoker: Invoker, function_name: str, route: Route) -> None:
        self._invoker, self._name, self._route = invoker, function_name, route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await refuse_websocket(receive, send)
            return
        try:
            body = await read_body(receive, _MAX_BODY_BYTES)
        except ClientGoneError:
            _log.info("client_gone", function=self._name)
            return
        except BodyTooLargeError:
            await respond_json(send, 413, {"message": "Request Entity Too Large"})
            return
        await self._answer(scope, body, send)

    async def _answer(self, scope: Scope, body: bytes, send: Send) -> None:
        request_id = self._invoker.new_id()
        event = http_event(
            scope, body, route=self._route, request_id=request_id, at=datetime.now(UTC)
        )
        result = await self._invoker.invoke(self._name, event, request_id)
        if result.error is not None:
            _log.error("function_failed", function=self._name, **result.error.envelope())
            timed_out = result.error.type == "Sandbox.Timedout"
            status = 503 if timed_out else 500
            message = "Service Unavailable" if timed_out else "Internal Server Error"
            await respond_json(send, status, {"message": message})
            return
        try:
            answer = http_answer(result.payload)
        except MalformedAnswerError as error:
            _log.error("malformed_answer", function=self._name, reason=str(error))
            await respond_json(send, 500, {"message": "Internal Server Error"})
            return
        if scope["method"] == "HEAD":  # its length is that of the body which GET would have
            await send_answer(send, answer.status, b"", answer.headers)
            return
        headers = [pair for pair in answer.headers if pair[0] != b"content-length"]
        await respond(send, answer.status, answer.body, headers)
