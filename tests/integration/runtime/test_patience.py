"""Clients that dribble or never stop: their connections end, and others are answered meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from local.runtime import patience
from local.runtime.asgi import BodyTooLargeError, ClientGoneError, read_body, respond
from local.runtime.patience import PatientProtocol

SOON = 0.4
LARGE = 20_000_000
Connect = Callable[[], Any]


@pytest.fixture
async def connect(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """Open a connection to an app that answers with the number of bytes it read."""
    monkeypatch.setattr(patience, "READ_SECONDS", SOON)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            body = await read_body(receive, 1_000_000)
        except ClientGoneError:
            return
        except BodyTooLargeError:
            await respond(send, 413, b"")
            return
        if scope["path"] == "/slow":
            await asyncio.sleep(SOON * 3)
        if scope["path"] == "/large":
            await respond(send, 200, b"x" * LARGE)
            return
        await respond(send, 200, b"%d" % len(body))

    config = uvicorn.Config(app, log_config=None, lifespan="off", access_log=False)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: PatientProtocol(config, state, {}), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    yield lambda: asyncio.open_connection("127.0.0.1", port)
    server.close()
    await server.wait_closed()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What the server still says before it hangs up; fails if it does not."""
    return await asyncio.wait_for(reader.read(), 20)


@pytest.mark.attack("slow and endless requests (slow-loris)")
async def test_a_client_that_says_nothing_is_shown_the_door(connect: Connect) -> None:
    reader, writer = await connect()
    assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


@pytest.mark.attack("slow and endless requests (slow-loris)")
async def test_headers_that_dribble_are_cut_off_however_often_a_byte_comes(
    connect: Connect,
) -> None:
    reader, writer = await connect()
    writer.write(b"POST / HTTP/1.1\r\n")

    async def dribble() -> None:
        while True:
            writer.write(b"x-a: b\r\n")
            await writer.drain()
            await asyncio.sleep(SOON / 20)

    dribbling = asyncio.create_task(dribble())
    with contextlib.suppress(ConnectionResetError):  # what it says is lost if we talk at the time
        assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
    dribbling.cancel()
    await asyncio.gather(dribbling, return_exceptions=True)
    writer.close()


@pytest.mark.attack("slow and endless requests (slow-loris)")
async def test_a_body_that_never_ends_is_cut_off(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n12345")
    assert await rest(reader) == b""
    writer.close()


@pytest.mark.attack("slow and endless requests (slow-loris)")
async def test_headers_without_end_are_refused_before_they_fill_the_memory(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "READ_SECONDS", 60)
    for start in (b"GET /", b"GET / HTTP/1.1\r\nx-a: "):
        reader, writer = await connect()
        writer.write(start + b"a" * (patience.MAX_HEAD_BYTES + 1))
        assert (await rest(reader)).startswith(b"HTTP/1.1 431 ")
        writer.close()


async def test_a_slow_answer_is_not_cut_off_by_the_next_request_that_dribbles(
    connect: Connect,
) -> None:
    reader, writer = await connect()
    writer.write(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET /next HT")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).startswith(b"HTTP/1.1 200 ")
    assert await reader.readexactly(1) == b"0"
    assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_honest_requests_are_answered_on_a_kept_connection(connect: Connect) -> None:
    reader, writer = await connect()
    body = b"x" * 200_000
    for _ in range(3):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n" + body)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert await reader.readexactly(6) == b"200000"
        await asyncio.sleep(SOON * 1.5)  # longer than the patience: nothing is being read
    writer.close()


async def test_a_body_that_goes_on_may_take_longer_than_one_that_dribbles(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "EARNED_BYTES", 1000)
    reader, writer = await connect()
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6000\r\n\r\n")
    for _ in range(6):
        await asyncio.sleep(SOON / 2)
        writer.write(b"x" * 1000)
    assert b"200 OK" in await asyncio.wait_for(reader.readline(), 20)
    writer.close()


@pytest.mark.attack("slow and endless requests (slow-loris)")
async def test_an_answer_that_nobody_reads_is_not_kept(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(SOON * 3)  # the client's own buffer is full; the rest waits in the server
    with contextlib.suppress(ConnectionResetError):
        assert len(await rest(reader)) < LARGE
    writer.close()


async def test_an_answer_that_is_read_slowly_but_steadily_comes_whole(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    size = 0
    while piece := await asyncio.wait_for(reader.read(2_000_000), 20):
        size += len(piece)
        await asyncio.sleep(SOON / 100)
    assert size == LARGE
    writer.close()


@pytest.mark.parametrize(
    "line", [b"OPTIONS *", b"CONNECT inside:5432", b"GET http://inside:5432/x"]
)
@pytest.mark.attack("request smuggling: two readings of one request")
async def test_a_request_for_another_server_is_answered_by_ours(
    connect: Connect, line: bytes
) -> None:
    reader, writer = await connect()
    writer.write(line + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert (await rest(reader)).startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 "))
    writer.close()


CHUNKED = b"POST /%s HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "endless",
    [b"0\r\n" + b"x-a: b\r\n" * 100_000, b"0\r\nx-a: " + b"b" * 800_000, b"1;" + b"x" * 800_000],
    ids=["trailers", "a trailer", "a chunk extension"],
)
@pytest.mark.attack("slow and endless requests (slow-loris)")
async def test_what_stands_beside_a_body_in_chunks_is_bounded_as_headers_are(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, endless: bytes
) -> None:
    monkeypatch.setattr(patience, "READ_SECONDS", 60)
    reader, writer = await connect()
    writer.write(CHUNKED % b"" + endless)
    with contextlib.suppress(ConnectionResetError):  # what it says is lost if we talk at the time
        assert (await rest(reader)).startswith(b"HTTP/1.1 431 ")
    writer.close()


async def test_a_body_in_chunks_of_a_byte_each_is_taken(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(CHUNKED % b"" + b"1\r\nx\r\n" * 50_000 + b"0\r\nx-checksum: 1\r\n\r\n")
    assert b"200 OK" in await asyncio.wait_for(reader.readline(), 20)
    writer.close()


@pytest.mark.attack("slow and endless requests (slow-loris)")
async def test_line_ends_between_requests_hold_a_connection_no_longer(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 20)
    writer.write(b"\r\n")
    assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


@pytest.mark.attack("slow and endless requests (slow-loris)")
async def test_a_body_that_goes_on_after_its_answer_is_cut_off(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "EARNED_BYTES", 1000)
    reader, writer = await connect()
    writer.write(CHUNKED % b"" + b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n1\r\nx\r\n")

    async def go_on() -> None:
        while True:
            writer.write(b"7d0\r\n" + b"x" * 2000 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(SOON / 20)

    going_on = asyncio.create_task(go_on())
    with contextlib.suppress(ConnectionResetError):
        assert (await rest(reader)).startswith(b"HTTP/1.1 413 ")
    going_on.cancel()
    await asyncio.gather(going_on, return_exceptions=True)
    writer.close()


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 0\r\ncontent-length: %d",
        b"content-length: 0, %d",
        b"content-length: +%d",
        b"content-length: 0x%x",
        b"content-length: -%d",
        b"content-length : %d",
        b"content-length: %d\r\ntransfer-encoding: chunked",
        b"transfer-encoding: chunked\r\ncontent-length: %d",
        b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\ncontent-length: %d",
        b"transfer-encoding: chunked, identity\r\nx: %d",
        b"transfer-encoding: xchunked\r\ncontent-length: %d",
        b"transfer-encoding : chunked\r\ncontent-length: %d",
        b"x: 1\r\n content-length: %d",
        b"x: a\x00b\r\ncontent-length: %d",
        b"x: a\rb\r\ncontent-length: %d",
        b"x\x00: a\r\ncontent-length: %d",
    ],
)
@pytest.mark.attack("request smuggling: two readings of one request")
async def test_a_request_that_can_be_read_in_two_ways_is_refused_with_all_that_follows(
    connect: Connect, head: bytes
) -> None:
    reader, writer = await connect()
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\n" + head % len(SMUGGLED) + b"\r\n\r\n" + SMUGGLED)
    answer = await rest(reader)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    writer.close()


@pytest.mark.parametrize(
    "chunk",
    [b"1 \r\nx\r\n0\r\n\r\n", b"-1\r\nx\r\n", b"0x1\r\nx\r\n", b"1\nx\r\n", b"1\r\nxy\r\n", b"fffffffffffffffff\r\n"],
)  # fmt: skip
@pytest.mark.attack("request smuggling: two readings of one request")
async def test_a_chunk_that_can_be_read_in_two_ways_ends_the_connection(
    connect: Connect, chunk: bytes
) -> None:
    reader, writer = await connect()
    writer.write(CHUNKED % b"" + chunk + SMUGGLED)
    assert b" 200 " not in await rest(reader)
    writer.close()
