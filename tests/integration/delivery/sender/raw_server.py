"""A receiver on loopback that says exactly the bytes a test wants said, and counts who connects."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Script = Callable[["Connection"], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Connection:
    """One accepted connection: read requests, write raw bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> tuple[dict[str, str], bytes]:
        """The headers (lower-case names) and the body of the next request."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        pairs = (line.split(": ", 1) for line in head.split("\r\n")[1:-2])
        headers = {name.lower(): value for name, value in pairs}
        return headers, await self.reader.readexactly(int(headers.get("content-length", 0)))

    async def request_line(self) -> str:
        """The first line of the next request; its body is left unread."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        return head.split("\r\n", 1)[0]

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
        await self.writer.drain()


@dataclass
class RawServer:
    """Counts connections, and notes when each has ended."""

    port: int = 0
    connections: int = 0
    ended: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextlib.asynccontextmanager
async def serving(
    script: Script, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawServer]:
    """Run `script` for each connection until the block ends."""
    server = RawServer()
    running: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            await script(Connection(reader, writer))
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()
        running.discard(task)
        server.ended.put_nowait(None)

    listener = await asyncio.start_server(accept, host, 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def always(*answer: bytes) -> Script:
    """Answer every request on the connection with these bytes."""

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.say(*answer)

    return script


def once(*answer: bytes) -> Script:
    """Answer one request, then close the connection."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.say(*answer)

    return script
