"""What HTTP asks of every path alike: methods, origins, codings and limits, in one look.

Pure ASGI, and cheap: most requests need little of it.
"""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triggerfish.adapters.rate_limits import ALLOWANCE
from triggerfish.edge.cors import Headers, cors_headers, preflight_headers
from triggerfish.edge.encodings import Compressed, Inflated, is_gzip, is_identity
from triggerfish.edge.methods import Head

_ACCEPT, _CODING, _ORIGIN = b"accept-encoding", b"content-encoding", b"origin"
_PREFLIGHT = b"access-control-request-method"
_WITHOUT_BODY = ("GET", "DELETE")
_NAMES = frozenset((_ACCEPT, _CODING, _ORIGIN, _PREFLIGHT))


class HttpSemantics:
    """ASGI middleware around an app's routes.

    `methods_of` names what a path has. `refuse_coding` answers a body in a coding that the app does
    not take: any but gzip, and gzip too unless the app `inflates`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        methods_of: Callable[[Scope], list[str]],
        refuse_coding: ASGIApp,
        inflates: bool,
    ) -> None:
        self._app = app
        self._methods_of = methods_of
        self._refuse_coding = refuse_coding
        self._inflates = inflates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ALLOWANCE.set(None)
        found = {name: value for name, value in scope["headers"] if name in _NAMES}
        cors = cors_headers(scope["path"], found.get(_ORIGIN))
        head = Head(send) if scope["method"] == "HEAD" else None
        finished = _finished(head.send if head else send, cors, found.get(_ACCEPT, b""))
        if head:
            await self._app({**scope, "method": "GET"}, head.receive, finished)
        elif scope["method"] == "OPTIONS" and (methods := self._methods_of(scope)):
            await _answer_options(finished, methods, is_preflight=_PREFLIGHT in found)
        else:
            await self._answer(scope, receive, finished, found.get(_CODING, b""))

    async def _answer(self, scope: Scope, receive: Receive, send: Send, coding: bytes) -> None:
        if is_identity(coding) or scope["method"] in _WITHOUT_BODY:
            await self._app(scope, receive, send)
        elif self._inflates and is_gzip(coding):
            await self._app(scope, Inflated(receive), send)
        else:
            await self._refuse_coding(scope, receive, send)


def _finished(send: Send, cors: Headers, accepted: bytes) -> Send:
    """A `send` that adds what every answer carries."""
    compressed = Compressed(send, accepted)

    async def send_finished(message: Message) -> None:
        if message["type"] == "http.response.start":
            allowance = ALLOWANCE.get()
            limits = allowance.headers() if allowance else ()
            message["headers"] = [*message["headers"], *cors, *limits]
        await compressed(message)

    return send_finished


async def _answer_options(send: Send, methods: list[str], *, is_preflight: bool) -> None:
    headers: Headers = [(b"allow", ", ".join(methods).encode())]
    if is_preflight:
        headers += preflight_headers(methods)
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
