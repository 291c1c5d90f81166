"""Content codings (RFC 9110, 8.4): bodies that come in gzip, and answers that go out in it."""

import asyncio
import gzip
from collections.abc import Iterable, Iterator
from functools import lru_cache

from starlette.types import Message, Receive, Send

from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.gzip_stream import GzipError, Inflater

HEADER = "Content-Encoding"
COMPRESSED_FROM_BYTES = 1024
_LEVEL = 4  # quick, and for JSON nearly as small as the default
_ASIDE_BYTES = 128 * 1024  # compressing more than this takes longer than handing it to a thread
_COMPRESSIBLE = (b"application/json", b"text/", b"application/javascript")
_GZIP = (b"content-encoding", b"gzip")
_VARY = (b"vary", b"accept-encoding")

Headers = list[tuple[bytes, bytes]]


def is_identity(coding: bytes) -> bool:
    return not coding or coding.strip().lower() == b"identity"


def is_gzip(coding: bytes) -> bool:
    return coding.strip().lower() in (b"gzip", b"x-gzip")


class Inflated:
    """An ASGI `receive` that gives a gzip body's content, in pieces of bounded size.

    Raises InvalidInput for a body that is no gzip stream.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._inflater = Inflater()
        self._pieces: Iterator[bytes] = iter(())
        self._more_body = True

    async def __call__(self) -> Message:
        try:
            return await self._next()
        except GzipError as error:
            detail = FieldError(HEADER, f"the body {error}")
            raise InvalidInput("The body cannot be read.", (detail,)) from None

    async def _next(self) -> Message:
        while True:
            if (piece := next(self._pieces, None)) is not None:
                await asyncio.sleep(0)  # others' turn: a packet may inflate to a thousand pieces
                return {"type": "http.request", "body": piece, "more_body": True}
            if not self._more_body:
                self._inflater.finish()
                return {"type": "http.request", "body": b"", "more_body": False}
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            self._more_body = message.get("more_body", False)
            self._pieces = self._inflater.pieces(message.get("body", b""))


class Compressed:
    """An ASGI `send` that gives whole answers of 1 KiB and more in gzip, if the client takes it."""

    def __init__(self, send: Send, accepted: bytes) -> None:
        self._send, self._accepted = send, accepted
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if _is_worth_it(message["headers"]):
                self._start = message
            else:
                await self._send(message)
        elif self._start is None:
            await self._send(message)
        else:
            start, self._start = self._start, None
            await self._finish(start, message)

    async def _finish(self, start: Message, message: Message) -> None:
        headers: Headers = [*start["headers"], _VARY]
        body = message.get("body", b"")
        if takes_gzip(self._accepted) and not message.get("more_body"):
            body = await _compress(body)
            headers = [*_of_another_coding(headers), _GZIP, (b"content-length", b"%d" % len(body))]
        await self._send({**start, "headers": headers})
        await self._send({**message, "body": body})


def _is_worth_it(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    found = dict(headers)
    length = found.get(b"content-length", b"0")
    if len(length) < 4 or int(length) < COMPRESSED_FROM_BYTES or b"content-encoding" in found:
        return False
    return found.get(b"content-type", b"").startswith(_COMPRESSIBLE)


async def _compress(body: bytes) -> bytes:
    if len(body) > _ASIDE_BYTES:
        return await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
    return gzip.compress(body, _LEVEL, mtime=0)


def _of_another_coding(headers: Headers) -> Headers:
    """Without the length, and with a weak ETag: these are other bytes of the same thing."""
    kept = [(name, value) for name, value in headers if name != b"content-length"]
    return [
        (name, b"W/" + value if name == b"etag" and not value.startswith(b"W/") else value)
        for name, value in kept
    ]


@lru_cache(maxsize=256)
def takes_gzip(accepted: bytes) -> bool:
    """Whether `Accept-Encoding` lets gzip in: by name or by `*`, and not with a weight of zero."""
    weights: dict[bytes, bool] = {}
    for one in accepted.lower().split(b","):
        coding, _, parameters = one.partition(b";")
        weight = parameters.replace(b" ", b"")
        weights[coding.strip()] = weight.rstrip(b"0.") != b"q="
    return weights.get(b"gzip", weights.get(b"*", False))
