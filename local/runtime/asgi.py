"""The few ASGI shapes the gateway itself needs: types, reading a body, sending a small answer."""

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]


class BodyTooLargeError(Exception):
    """The request's body exceeds the limit given."""


class ClientGoneError(Exception):
    """The client closed the connection before its body was complete."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole request body. Raises BodyTooLargeError and ClientGoneError."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise BodyTooLargeError
        if not message.get("more_body"):
            return b"".join(chunks)


async def respond(send: Send, status: int, body: bytes, headers: Headers = ()) -> None:
    length = [(b"content-length", b"%d" % len(body))] if status != 204 else []
    await send_answer(send, status, body, [*headers, *length])


async def send_answer(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """As it is, with no header added."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def respond_json(send: Send, status: int, value: Any, headers: Headers = ()) -> None:
    content_type = (b"content-type", b"application/json")
    await respond(send, status, json.dumps(value).encode(), [content_type, *headers])


async def refuse_websocket(receive: Receive, send: Send) -> None:
    """Answer a WebSocket handshake with a refusal (the server turns it into 403)."""
    await receive()
    await send({"type": "websocket.close", "code": 1008})
