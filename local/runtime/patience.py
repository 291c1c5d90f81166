"""How long and how much a client may send before its request is complete: uvicorn sets no limit.

A connection that dribbles a byte now and then, or a header without end, would be held for ever;
trailers and chunks without end would fill the memory, and so would answers that nobody reads.
"""

from asyncio import TimerHandle, Transport
from typing import Any

from local.http_protocol import StrictProtocol

READ_SECONDS = 15.0  # from the first byte, or from connecting, to the last byte of the body
EARNED_BYTES = 256 * 1024  # of a body, for which its sender gets that time once more
MAX_HEAD_BYTES = 64 * 1024  # request line and headers; as much beside a body in chunks
READ_BYTES = 16 * 1024  # of an answer, which its reader must take in that time while more waits
FRAMING = 8  # bytes of chunk sizes and line ends for each byte of a body: chunks of one byte take 6

_REFUSAL = b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_SLOW = b"408 Request Timeout"
_TOO_LARGE = b"431 Request Header Fields Too Large"


class PatientProtocol(StrictProtocol):
    """The HTTP protocol with an end to its patience."""

    _timer: TimerHandle | None = None
    _reader_timer: TimerHandle | None = None
    _in_head = True
    _head_bytes = 0
    _earned_bytes = 0
    _body_bytes = 0
    _bytes_beside = 0  # chunk sizes and extensions, trailers

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._stop_reader_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        self._stop_reader_timer()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            self._start()  # line ends before a request are no reason to wait for it longer
        else:
            self._bytes_beside += len(data)
            self._earn_time(len(data))
        super().data_received(data)
        if self._is_too_large():
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._earned_bytes = self._body_bytes = self._bytes_beside = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        self._bytes_beside -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._stop()
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._stop()
        super().handle_websocket_upgrade()

    def _is_too_large(self) -> bool:
        if self._in_head:
            return self._head_bytes > MAX_HEAD_BYTES
        return self._bytes_beside > MAX_HEAD_BYTES + FRAMING * self._body_bytes

    def _earn_time(self, bytes: int) -> None:
        """A large upload may take long, as long as it goes on and is not answered yet."""
        self._earned_bytes += bytes
        if self._timer and self._is_answering() and self._earned_bytes >= EARNED_BYTES:
            self._earned_bytes = 0
            self._stop()
            self._start()

    def _watch_reader(self) -> None:
        """An answer waits in memory for its reader: see that it goes on."""
        self._stop_reader_timer()
        unread = self.transport.get_write_buffer_size()
        self._reader_timer = self.loop.call_later(READ_SECONDS, self._judge_reader, unread)

    def _judge_reader(self, unread: int) -> None:
        if unread - self.transport.get_write_buffer_size() < READ_BYTES:
            self.transport.abort()
        else:
            self._watch_reader()

    def _stop_reader_timer(self) -> None:
        if self._reader_timer is not None:
            self._reader_timer.cancel()
            self._reader_timer = None

    def _start(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(READ_SECONDS, self._give_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._in_head and self._is_answering():
            self._start()  # a second request is on its way; the first must get its answer
        elif self._in_head:
            self._refuse(_TOO_SLOW)
        else:
            self.transport.close()  # the app is told that its client is gone

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _refuse(self, status: bytes) -> None:
        self._stop()
        if not self._is_answering():
            self.transport.write(_REFUSAL % status)
        self.transport.close()
