"""One file out of a multipart body (RFC 7578) as a stream: never the whole file in memory."""

import hashlib
from collections.abc import AsyncIterator

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import (
    MAX_BOUNDARY_LENGTH,
    MultipartParser,
    parse_options_header,
)
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from triggerfish.domain.errors import FieldError, InvalidInput, TooLarge
from triggerfish.domain.upload import FIELD, refuse
from triggerfish.edge.file_names import file_name

MAX_HEADER_BYTES = 8192
MAX_SHOWN = 100
MAX_AROUND_BYTES = 65_536
"""Of boundaries, headers, and what may stand before and after them, beside the file."""


_INVALID = "The body is not valid multipart/form-data."


def _other_part(name: str, message: str) -> InvalidInput:
    return InvalidInput(_INVALID, (FieldError(name or "a part without a name", message),))


class UploadedFile:
    """The one part `file` of a request's body: first its name, then its bytes.

    Raises HTTPException 415 for another content type, and TooLarge for what says it is.
    """

    def __init__(self, request: Request, *, max_bytes: int) -> None:
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > max_bytes + MAX_AROUND_BYTES:
            raise TooLarge(f"The file may have at most {max_bytes} bytes.")
        kind, options = parse_options_header(request.headers.get("content-type"))
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise HTTPException(415, "Send the file as multipart/form-data, field `file`.")
        names = ("part_begin", "part_data", "header_field", "header_value", "header_end")
        callbacks = {f"on_{name}": getattr(self, f"_{name}") for name in names}
        callbacks["on_headers_finished"] = self._headers_finished
        callbacks["on_end"] = self._end
        if len(options[b"boundary"]) > MAX_BOUNDARY_LENGTH:
            message = f"its boundary may have at most {MAX_BOUNDARY_LENGTH} characters"
            raise InvalidInput(_INVALID, (FieldError("Content-Type", message),))
        self._parser = MultipartParser(options[b"boundary"], callbacks)  # type: ignore[arg-type]
        self._hash = hashlib.sha256()
        self._stream = request.stream()
        self._headers: dict[bytes, bytes] = {}
        self._field, self._value = b"", b""
        self._pieces: list[bytes] = []
        self._name: str | None = None
        self._ended = False
        self._around = 0

    async def name(self) -> str:
        """What the client calls the file. Raises InvalidInput for a body without one."""
        while self._name is None and await self._more():
            pass
        if self._name is None:
            raise refuse("is missing: send a multipart/form-data field of this name")
        return self._name

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes. Raises InvalidInput for a body that breaks off or has another part."""
        while True:
            for piece in self._pieces:
                self._hash.update(piece)
                yield piece
            self._pieces.clear()
            if not await self._more():
                break
        if not self._ended:
            raise refuse("breaks off before the end of the multipart body")

    async def fingerprint(self) -> bytes:
        """Tells one upload from another by name and bytes; reads what has not been read yet."""
        name = await self.name()
        async for _ in self.chunks():
            pass
        return hashlib.sha256(name.encode() + self._hash.digest()).digest()

    async def _more(self) -> bool:
        """Parse the next piece of the body; False when there is none."""
        try:
            data = await anext(self._stream, None)
        except ClientDisconnect:
            raise refuse("broke off: the client went away") from None
        if data is None:
            return False
        self._around += len(data)
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise InvalidInput(_INVALID) from error
        if self._around > MAX_AROUND_BYTES:
            raise refuse("has too much around it in the multipart body")
        return True

    def _part_begin(self) -> None:
        self._headers.clear()
        self._field = self._value = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]
        self._bound()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._bound()

    def _header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        part = options.get(b"name", b"").decode(errors="replace")[:MAX_SHOWN]
        if part != FIELD:
            raise _other_part(part, f"is not known: send one part, named `{FIELD}`")
        if self._name is not None:
            raise _other_part(part, "comes more than once: send one file a request")
        try:
            self._name = file_name(disposition, options.get(b"filename", b""))
        except ValueError:
            raise refuse(
                "its name must be UTF-8, plain or encoded by RFC 2047 or RFC 5987"
            ) from None

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._around -= end - start
        self._pieces.append(data[start:end])

    def _end(self) -> None:
        self._ended = True

    def _bound(self) -> None:
        if len(self._field) + len(self._value) > MAX_HEADER_BYTES:
            raise refuse("its part's headers are too long")
