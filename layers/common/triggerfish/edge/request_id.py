"""Request ids: one per request, in its errors, its logs and its answer's `x-request-id`."""

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triggerfish.adapters.clock import SystemClock
from triggerfish.adapters.ids import SystemIds

HEADER = b"x-request-id"
KEY = "triggerfish.request_id"


class RequestId:
    """ASGI middleware that gives each HTTP request an id of ours; a caller's own is not trusted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
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

        await self._app(scope, receive, send_with_id)


def request_id(scope: Mapping[str, Any]) -> str:
    return str(scope.get(KEY, ""))
