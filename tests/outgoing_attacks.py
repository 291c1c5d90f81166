"""Receivers that never come to an end and names that never resolve, for tests of every level."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import TypeVar, cast

T = TypeVar("T")

FINAL = b"HTTP/1.1 200 OK\r\n"
CHUNKED = FINAL + b"Transfer-Encoding: chunked\r\n\r\n"

# What an endless answer begins with, and what it repeats.
BEFORE_A_FINAL_ANSWER: dict[str, tuple[bytes, bytes]] = {
    "102 Processing": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "103 with headers": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "a status line": (b"HTTP/1.1 200 ", b"O"),
    "one header": (FINAL + b"X-A: ", b"y"),
    "many headers": (FINAL, b"X-B: y\r\n"),
}
AFTER_IT: dict[str, tuple[bytes, bytes]] = {
    "a body until the end": (FINAL + b"\r\n", b"x"),
    "a body of a given length": (FINAL + b"Content-Length: 999999999999\r\n\r\n", b"x"),
    "chunks": (CHUNKED, b"1\r\nx\r\n"),
    "a chunk size": (CHUNKED, b"0"),
    "a chunk extension": (CHUNKED + b"1;", b"e"),
    "trailers": (CHUNKED + b"0\r\n", b"T: t\r\n"),
}
AT_ONCE = 64 * 1024


async def flood(writer: asyncio.StreamWriter, first: bytes, again: bytes) -> None:
    """Say `first`, then `again` as fast as it is taken, until the other end hangs up."""
    writer.write(first)
    much = again * (AT_ONCE // len(again))
    with contextlib.suppress(OSError):
        while not writer.is_closing():
            writer.write(much)
            await writer.drain()


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """Leads every name to 127.0.0.1, but gives no answer to those that begin with `dead`."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    transport: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        name, end = _question(data)
        self.asked.append(name)
        if name.startswith("dead") or self.transport is None:
            return
        is_ipv4 = data[end - 4 : end - 2] == b"\x00\x01"
        answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04" + socket.inet_aton("127.0.0.1")
        head = (
            data[:2] + b"\x81\x80\x00\x01" + (b"\x00\x01" if is_ipv4 else b"\x00\x00") + b"\0" * 4
        )
        self.transport.sendto(head + data[12:end] + (answer if is_ipv4 else b""), sender)


@contextlib.asynccontextmanager
async def name_server() -> AsyncIterator[NameServer]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    server.port = transport.get_extra_info("sockname")[1]
    try:
        yield server
    finally:
        transport.close()


def _question(data: bytes) -> tuple[str, int]:
    """The name asked for, and where the question ends."""
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(labels), at + 5


@contextlib.asynccontextmanager
async def endless_receiver(endless: str) -> AsyncIterator[str]:
    """The URL of a receiver that answers every request so, while the block lasts."""
    first, again = (BEFORE_A_FINAL_ANSWER | AFTER_IT)[endless]
    answering: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        answering[task] = writer
        task.add_done_callback(answering.pop)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await flood(writer, first, again)
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/endless"
    finally:
        server.close()
        for writer in answering.values():
            writer.transport.abort()
        if answering:
            await asyncio.wait(answering, timeout=5)


@contextlib.contextmanager
def in_a_thread(opened: contextlib.AbstractAsyncContextManager[T]) -> Iterator[T]:
    """One of these for a test, or a script, that has no event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="attack")
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result(timeout=10)
    finally:
        asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result(
            timeout=10
        )
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()
