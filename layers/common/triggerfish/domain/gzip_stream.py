"""Content of a gzip stream (RFC 1952) in pieces of bounded size, as its bytes come in."""

import zlib
from collections.abc import Iterator

PIECE_BYTES = 64 * 1024


class GzipError(ValueError):
    """The bytes are no gzip stream; the text says why."""


class Inflater:
    """Inflates a stream of one member or several. Whoever reads the pieces bounds their sum."""

    def __init__(self) -> None:
        self._member = _member()
        self._surplus = 0

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The content of the next bytes.

        Raises GzipError for what is not gzip, or would never come to a limit of its content: it
        inflates to less than it is.
        """
        while data:
            if self._member.eof:
                self._member = _member()
            try:
                piece = self._member.decompress(data, PIECE_BYTES)
            except zlib.error:
                raise GzipError("is not gzip") from None
            left = self._member.unconsumed_tail or self._member.unused_data
            self._surplus += len(data) - len(left) - len(piece)
            if self._surplus > PIECE_BYTES:
                raise GzipError("is larger than its content")
            data = left
            if piece:
                yield piece

    def finish(self) -> None:
        """Nothing comes any more. Raises GzipError for a stream that breaks off."""
        if not self._member.eof:
            raise GzipError("breaks off before the end of its gzip stream")


def _member() -> "zlib._Decompress":
    return zlib.decompressobj(zlib.MAX_WBITS | 16)
