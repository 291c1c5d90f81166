"""Server-Sent Events (WHATWG HTML, 9.2): texts as a stream, sent as they come."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

from fastapi import Request
from starlette.responses import StreamingResponse

from triggerfish.domain.errors import TryLater

# Nobody between us and the reader may keep, gather or compress the pieces.
HEADERS = {"cache-control": "no-store, no-transform", "x-accel-buffering": "no"}


def event_stream(texts: AsyncGenerator[str, None], headers: Mapping[str, str]) -> StreamingResponse:
    """Each text as one message, then an event `done`, so that a reader need not reconnect.

    After a TryLater it ends without: an EventSource then connects again. The iterator is closed
    when the reader goes away.
    """
    return StreamingResponse(
        _messages(texts), media_type="text/event-stream", headers={**HEADERS, **headers}
    )


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
