"""From a stream of bytes to numbered lines, in bounded memory however long a line is."""

from collections.abc import Iterator
from dataclasses import dataclass

MAX_LINE_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end (LF or CRLF). `text` is None for one longer than MAX_LINE_BYTES.

    `end` is the offset in the file of what follows the line: where a later reader can go on.
    """

    number: int
    text: bytes | None
    end: int


class LineReader:
    """Cuts a file's bytes into lines; feed it the chunks in order, then `finish`.

    `number` and `offset` are those of a line's start: a reader can begin in the middle of a file.
    A byte order mark at the start of a file belongs to no line. A last line needs no end of line;
    an end of line at the end of the file begins no further line.
    """

    def __init__(self, *, number: int = 1, offset: int = 0) -> None:
        self._number = number
        self._offset = offset  # of the first byte of `_begun`, or of what was dropped of it
        self._begun = bytearray()
        self._dropped = 0

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that end in this chunk."""
        *ended, begun = chunk.split(b"\n")
        for piece in ended:
            yield self._end(piece, end_length=1)
        self._begin(begun)

    def finish(self) -> Iterator[Line]:
        """The last line, if the file does not end with an end of line."""
        if self._begun or self._dropped:
            yield self._end(b"", end_length=0)

    def _begin(self, piece: bytes) -> None:
        self._begun += piece
        if len(self._begun) > MAX_LINE_BYTES + len(_BOM) + 1:  # too long with a mark and a CR, even
            self._dropped += len(self._begun)
            self._begun.clear()

    def _end(self, piece: bytes, *, end_length: int) -> Line:
        if self._begun or self._dropped:
            self._begin(piece)
            piece = bytes(self._begun)
        end = self._offset + self._dropped + len(piece) + end_length
        line = Line(self._number, self._text(piece), end)
        self._number, self._offset, self._dropped = self._number + 1, end, 0
        self._begun.clear()
        return line

    def _text(self, piece: bytes) -> bytes | None:
        if self._offset == 0:
            piece = piece.removeprefix(_BOM)
        piece = piece.removesuffix(b"\r")
        return None if self._dropped or len(piece) > MAX_LINE_BYTES else piece
