"""A cheap receiver: answers every POST with 200 and keeps when each webhook-id came.

Raw asyncio protocol, so that the receiver does not take the CPU it is to measure. Run as a process:
`python -m tests.bench.processes.receiver PORT`. A GET answers the arrivals as JSON (/count: how many
ids came); a DELETE forgets them.
"""

import asyncio
import json
import re
import sys
import time
from typing import cast

import uvloop

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
WEBHOOK_ID = re.compile(rb"webhook-id: *(\S+)", re.IGNORECASE)

arrivals: dict[str, list[float]] = {}


class Receiver(asyncio.Protocol):
    """Parses just enough HTTP/1.1: a head, a content length, pipelined or not."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            found = LENGTH.search(head)
            total = end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < total:
                return
            body = self._buffer[end + 4 : total]
            self._buffer = self._buffer[total:]
            self._answer(head, body)

    def id_of(self, head: bytes, body: bytes) -> bytes | None:
        """Which delivery this is."""
        found = WEBHOOK_ID.search(head)
        return found[1] if found else None

    def _answer(self, head: bytes, body: bytes) -> None:
        assert self._transport is not None
        if head.startswith(b"POST"):
            if name := self.id_of(head, body):
                arrivals.setdefault(name.decode(), []).append(time.time())
            self._transport.write(OK)
            return
        said = len(arrivals) if head.startswith(b"GET /count ") else arrivals
        answer = json.dumps(said).encode()
        if head.startswith(b"DELETE"):
            arrivals.clear()
            answer = b"{}"
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(answer), answer)
        )


async def serve(port: int, protocol: type[Receiver] = Receiver) -> None:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
