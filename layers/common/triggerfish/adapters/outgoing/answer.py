"""Reads the answer to one POST, byte by byte as it comes. The status line decides.

A delivery's outcome is in the head of the final answer: its status and `Retry-After`. So the head
is read as kindly as possible, and what is odd in the body ends the reading and costs the
connection, never the outcome. Every byte of an exchange counts towards `LIMIT_BYTES`: informational
answers, headers, chunk sizes and trailers, too.
"""

import re
from dataclasses import dataclass
from typing import Literal

LIMIT_BYTES = 128 * 1024  # of a whole exchange; room for a head of 64 KiB
READ_LIMIT_BYTES = 16 * 1024  # of a body; the excerpt is far shorter

HEAD_END = re.compile(rb"\r?\n\r?\n")
STATUS_LINE = re.compile(rb"HTTP/(\d(?:\.\d)?)[ \t]+([1-5]\d\d)(?:[ \t].*)?", re.DOTALL)
LENGTH = re.compile(rb"\d{1,18}")
CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?", re.DOTALL)
WANTED = frozenset(
    (b"connection", b"content-length", b"date", b"retry-after", b"transfer-encoding")
)
BODILESS = frozenset((204, 304))
SWITCHING_PROTOCOLS = 101  # nobody asked for that, so nothing follows it

NOT_HTTP = "The endpoint's answer was not valid HTTP."
TOO_LONG = f"The endpoint sent {LIMIT_BYTES // 1024} KiB without a final answer."


class NotAnAnswer(Exception):
    """What came is no final HTTP answer; the text is for the customer."""


@dataclass(frozen=True, slots=True)
class Head:
    """What decides an exchange. Of a header that comes twice, the values in their order."""

    version: bytes
    status: int
    headers: dict[bytes, list[bytes]]

    def text(self, name: bytes) -> str | None:
        """The first value of a header."""
        values = self.headers.get(name)
        return values[0].decode("latin-1") if values else None


def parse_head(block: bytes) -> Head:
    """A status line and its headers. Lines that are no headers are passed over."""
    lines = block.split(b"\n")
    status_line = STATUS_LINE.fullmatch(lines[0].rstrip(b"\r"))
    if status_line is None:
        raise NotAnAnswer(NOT_HTTP)
    headers: dict[bytes, list[bytes]] = {}
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        name = name.rstrip().lower()
        if name in WANTED:
            headers.setdefault(name, []).append(value.strip())
    return Head(status_line[1], int(status_line[2]), headers)


class AnswerReader:
    """The answer to one POST. `head` is set once the final answer's head is whole."""

    def __init__(self) -> None:
        self.head: Head | None = None
        self.body = bytearray()
        self.received = 0
        self.is_whole = False
        self._unread = bytearray()
        self._searched = 0  # so that an answer that drips costs no more to read than any other
        self._left: int | None = None  # of the body or of a chunk; None: until the connection ends
        self._next_line: Literal["chunk size", "end of chunk", "trailer"] | None = None
        self._is_plain = False

    @property
    def leaves_connection_usable(self) -> bool:
        return self.is_whole and self._is_plain

    def feed(self, data: bytes) -> bool:
        """Take what came; whether the answer is whole, or not worth reading on.

        Raises NotAnAnswer for what is no HTTP, or goes on without end before a final answer.
        """
        self.received += len(data)
        self._unread += data
        if self.head is None and not self._read_head():
            if self.received > LIMIT_BYTES:
                raise NotAnAnswer(TOO_LONG)
            return False
        return self._read_body() or self.received > LIMIT_BYTES

    def at_end(self) -> None:
        """The connection has ended. Raises NotAnAnswer if what came before was no HTTP at all."""
        if self.head is None and not self._may_be_http():
            raise NotAnAnswer(NOT_HTTP)

    def _read_head(self) -> bool:
        """Pass over informational answers; whether the final answer's head is whole."""
        while True:
            if not self._may_be_http():
                raise NotAnAnswer(NOT_HTTP)
            end = HEAD_END.search(self._unread, max(0, self._searched - 3))
            if end is None:
                self._searched = len(self._unread)
                return False
            head = parse_head(bytes(self._unread[: end.start()]))
            self._skip(end.end())
            if head.status >= 200 or head.status == SWITCHING_PROTOCOLS:
                self.head = head
                self._expect_body(head)
                return True

    def _may_be_http(self) -> bool:
        return b"HTTP/".startswith(self._unread[:5])

    def _expect_body(self, head: Head) -> None:
        lengths = head.headers.get(b"content-length", [])
        codings = head.headers.get(b"transfer-encoding", [])
        self._is_plain = _is_plain(head, lengths, codings)
        if head.status in BODILESS:
            self._left = 0
        elif codings:
            if codings[-1].lower().endswith(b"chunked"):
                self._left, self._next_line = 0, "chunk size"
        elif lengths:
            # A length that cannot be read does not say where the body ends: it ends here.
            is_number = LENGTH.fullmatch(lengths[0]) is not None
            self._left = int(lengths[0]) if is_number else len(self._unread)

    def _read_body(self) -> bool:
        """Whether the body is whole, long enough, or framed so that nobody could follow."""
        if self._left is None:
            self._take(len(self._unread))
        while self._left is not None and len(self.body) < READ_LIMIT_BYTES:
            self._left -= self._take(min(self._left, len(self._unread)))
            if self._left:
                return False
            if self._next_line is None:
                return self._ended(is_intact=not self._unread)
            line = self._line()
            if line is None:
                return False
            if self._ends_with(line):
                return True
        return len(self.body) >= READ_LIMIT_BYTES

    def _ends_with(self, line: bytes) -> bool:
        """Whether a line between chunks is the last of the body, or makes no sense there."""
        is_blank = not line.strip()
        if self._next_line == "trailer":
            return is_blank and self._ended(is_intact=not self._unread)
        if self._next_line == "end of chunk":
            self._next_line = "chunk size"
            return not is_blank and self._ended(is_intact=False)
        size = CHUNK_SIZE.fullmatch(line)
        if size is None:
            return self._ended(is_intact=False)
        self._left = int(size[1], 16)
        self._next_line = "end of chunk" if self._left else "trailer"
        return False

    def _line(self) -> bytes | None:
        end = self._unread.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._unread)
            return None
        line = bytes(self._unread[:end])
        self._skip(end + 1)
        return line

    def _take(self, count: int) -> int:
        if count:
            self.body += self._unread[:count]
            self._skip(count)
        return count

    def _skip(self, count: int) -> None:
        del self._unread[:count]
        self._searched = 0

    def _ended(self, *, is_intact: bool) -> bool:
        self.is_whole = is_intact
        return True


def _is_plain(head: Head, lengths: list[bytes], codings: list[bytes]) -> bool:
    """Whether the connection may serve another exchange: only where nothing can be misread."""
    if head.version != b"1.1" or head.status == SWITCHING_PROTOCOLS:
        return False
    if any(b"close" in value.lower() for value in head.headers.get(b"connection", [])):
        return False
    if head.status in BODILESS:
        return not codings and lengths in ([], [b"0"])
    if codings:
        return [coding.lower() for coding in codings] == [b"chunked"] and not lengths
    return len(lengths) == 1 and LENGTH.fullmatch(lengths[0]) is not None
