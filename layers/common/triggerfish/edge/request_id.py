"""Request ids: one per request, in its errors, its logs and its answer's `x-request-id`."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triggerfish.adapters.clock import SystemClock
from triggerfish.adapters.ids import SystemIds

HEADER = b"x-request-id"
KEY = "triggerfish.request_id"


class RequestId:
    """ASGI middleware that gives each HTTP request an id of ours; a caller's own is not trusted.

    Lines logged meanwhile carry the id and the function's name.
    """

    def __init__(self, app: ASGIApp, function: Callable[[], str]) -> None:
        self._app = app
        self._function = function
        self._ids = SystemIds()
        self._clock = SystemClock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id = self._ids.uuid7(self._clock.now()).hex
        scope[KEY] = id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=id, function=self._function()):
            await self._app(scope, receive, send_with_id)


def request_id(scope: Mapping[str, Any]) -> str:
    return str(scope.get(KEY, ""))
