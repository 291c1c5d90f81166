"""A network that is slow, narrow, or breaks: a TCP proxy in front of one server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from random import Random

CHUNK = 1_400
"""Bytes: about what a packet carries."""

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@dataclass
class Network:
    """What the proxy does to each chunk that passes, in either direction."""

    latency_seconds: float = 0.0
    bytes_per_second: float = float("inf")
    reset_probability: float = 0.0
    port: int = 0
    open: int = 0
    resets: int = 0

    def heal(self) -> None:
        self.latency_seconds, self.bytes_per_second = 0.0, float("inf")
        self.reset_probability = 0.0


@contextlib.asynccontextmanager
async def bad_network(connect: Connect, random: Random) -> AsyncIterator[Network]:
    """A proxy on loopback to whatever `connect` connects to; it is good until it is made bad."""
    network = Network()
    running: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running[task] = writer
        task.add_done_callback(running.pop)
        network.open += 1
        try:
            with contextlib.suppress(OSError):
                await _carry(network, random, (reader, writer), await connect())
        finally:
            network.open -= 1
            await _hang_up(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    network.port = server.sockets[0].getsockname()[1]
    try:
        yield network
    finally:
        server.close()
        for writer in running.values():
            writer.transport.abort()
        await asyncio.gather(*running)


async def _carry(
    network: Network,
    random: Random,
    near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Both ways until either end is gone, or the network breaks."""
    there = asyncio.ensure_future(_pipe(network, random, near[0], far[1]))
    back = asyncio.ensure_future(_pipe(network, random, far[0], near[1]))
    try:
        await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in (there, back):
            way.cancel()
        await asyncio.gather(there, back, return_exceptions=True)
        await _hang_up(far[1])


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _pipe(
    network: Network, random: Random, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    while chunk := await reader.read(CHUNK):
        if random.random() < network.reset_probability:
            network.resets += 1
            return
        await asyncio.sleep(network.latency_seconds + len(chunk) / network.bytes_per_second)
        writer.write(chunk)
        await writer.drain()
