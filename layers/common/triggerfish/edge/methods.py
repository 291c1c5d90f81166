"""HEAD and OPTIONS (RFC 9110, 9.3.2 and 9.3.7): every path has them, no route needs to say so."""

import asyncio
from collections.abc import Mapping

from starlette.routing import Match, Route, Router
from starlette.types import Message, Scope, Send


class Head:
    """A GET whose answer's body nobody gets: what the app receives and sends instead.

    A stream ends with its head: for the app its reader has left.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = asyncio.Event()
        self._request: Message | None = {"type": "http.request", "body": b"", "more_body": False}

    async def receive(self) -> Message:
        request, self._request = self._request, None
        if request is None:
            await self._started.wait()
        return request or {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._send(message)
            await self._send({"type": "http.response.body", "body": b""})
            self._started.set()


def methods_of(router: Router, scope: Scope, elsewhere: Mapping[str, str]) -> list[str]:
    """All that a path has; none for an unknown path.

    `elsewhere` names a method that another function answers, by path.
    """
    path = scope["path"]
    found = {elsewhere[path]} if path in elsewhere else set()
    for route in router.routes:
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
            found |= route.methods or set()
    if "GET" in found:
        found.add("HEAD")
    return sorted({*found, "OPTIONS"}) if found else []
