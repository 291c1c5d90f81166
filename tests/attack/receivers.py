"""Receivers and names that are hostile: answers without end, names without an answer."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from typing import Any

GOOD_NAME = "good.test" if find_spec("aiodns") else "127.0.0.1"
"""The other tenant's receiver; every other name is dead. Only aiodns can be led to our server."""
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n" * 500


@asynccontextmanager
async def endless_receiver() -> AsyncIterator[int]:
    """The port of a receiver that sends `102 Processing` for as long as it is read."""
    server = await asyncio.start_server(_process_for_ever, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def _process_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        while True:
            writer.write(PROCESSING)
            await writer.drain()
            await asyncio.sleep(0.001)
    writer.close()


class _NameServer(asyncio.DatagramProtocol):
    """Answers A of the good name with loopback, its other types with nothing, other names never."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        labels, place = [], 12
        while length := data[place]:
            labels.append(data[place + 1 : place + 1 + length].decode(errors="replace"))
            place += 1 + length
        question = data[12 : place + 5]
        if ".".join(labels).lower() != GOOD_NAME:
            return
        answers = 1 if question[-4:-2] == b"\0\1" else 0
        record = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 60, 4) + bytes((127, 0, 0, 1))
        head = data[:2] + struct.pack(">HHHHH", 0x8180, 1, answers, 0, 0)
        self._transport.sendto(head + question + record * answers, address)


@asynccontextmanager
async def name_server(port: int) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    address = ("127.0.0.1", port)
    transport, _ = await loop.create_datagram_endpoint(_NameServer, local_addr=address)
    yield
    transport.close()
