"""Receivers that are hostile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

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
