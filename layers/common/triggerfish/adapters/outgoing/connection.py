"""One connection to an endpoint, for one exchange after the other."""

import asyncio
from typing import cast

from triggerfish.adapters.outgoing.answer import AnswerReader, NotAnAnswer


class Connection(asyncio.Protocol):
    """Sends a request and reads its answer until a deadline on the clock, whatever arrives.

    The status line decides: once the final answer's head is whole, it is the answer, however the
    exchange ends: by its last byte, at the deadline, at a limit, or because the endpoint hangs up.
    """

    def __init__(self) -> None:
        self.is_usable = False
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._reader = AnswerReader()
        self._answered: asyncio.Future[AnswerReader] | None = None

    @property
    def heard_nothing(self) -> bool:
        """Whether the endpoint said nothing since the last request."""
        return self._reader.received == 0

    async def exchange(self, request: bytes, *, deadline: float) -> AnswerReader:
        """Send, and read the answer. Raises OSError (a TimeoutError at the deadline), NotAnAnswer.

        The deadline is on the event loop's clock.
        """
        loop = asyncio.get_running_loop()
        self._reader = AnswerReader()
        self._answered = loop.create_future()
        timer = loop.call_at(deadline, self._end, TimeoutError())
        try:
            self._send(request)
            answer = await self._answered
        except BaseException:
            self.close(at_once=True)
            raise
        finally:
            timer.cancel()
            self._answered = None
        if not answer.leaves_connection_usable:
            self.close(at_once=not answer.is_whole)
        return answer

    def close(self, *, at_once: bool = False) -> None:
        """Close; at once where the endpoint may neither read nor end what it sends."""
        self.is_usable = False
        if self._transport is not None:
            if at_once or self._transport.get_write_buffer_size():
                self._transport.abort()
            else:
                self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.is_usable = True

    def data_received(self, data: bytes) -> None:
        if self._answered is None:  # nobody asked: the next answer here could be anything
            self.close(at_once=True)
            return
        try:
            if not self._answered.done() and self._reader.feed(data):
                self._end(None)
        except NotAnAnswer as error:
            self._end(error)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_usable = False
        try:
            self._reader.at_end()
        except NotAnAnswer as not_http:
            error = not_http
        self._end(error or ConnectionResetError("the endpoint closed the connection"))

    def _send(self, request: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("closed meanwhile")
        self._transport.write(request)

    def _end(self, error: Exception | None) -> None:
        if self._answered is None or self._answered.done():
            return
        if error is None or self._reader.head is not None:
            self._answered.set_result(self._reader)
        else:
            self._answered.set_exception(error)
