"""Server-Sent Events (WHATWG HTML, 9.2): texts as a stream, sent as they come."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractContextManager, ExitStack, aclosing

from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from triggerfish.domain.errors import TryLater

# Nobody between us and the reader may keep, gather or compress the pieces.
HEADERS = {"cache-control": "no-store, no-transform", "x-accel-buffering": "no"}


class EventStream(StreamingResponse):
    """Each text as one message, then an event `done`, so that a reader need not reconnect.

    After a TryLater it ends without: an EventSource then connects again. The iterator is closed
    when the reader goes away. `places` are held while it is sent; what they raise is the answer
    instead.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        texts: AsyncGenerator[str, None],
        *places: AbstractContextManager[None],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(_messages(texts), headers={**HEADERS, **(headers or {})})
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with ExitStack() as held:
            for place in self._places:
                held.enter_context(place)
            await super().__call__(scope, receive, send)


def is_buffered(request: Request) -> bool:
    """Whether the answer is collected before it is sent, as API Gateway has it: delays are vain."""
    return "aws.event" in request.scope


async def _messages(texts: AsyncGenerator[str, None]) -> AsyncIterator[bytes]:
    try:
        async with aclosing(texts):
            async for text in texts:
                yield b"".join(b"data: %s\n" % line.encode() for line in text.split("\n")) + b"\n"
    except TryLater:
        return
    yield b"event: done\ndata:\n\n"
