"""No answer takes more time or memory than it is given."""

import asyncio
import gzip
from time import perf_counter

import pytest

from tests.integration.delivery.sender.posting import SHORT, kind, post_to, sending, silent, to
from tests.integration.delivery.sender.raw_server import (
    Connection,
    always,
    once,
    serving,
)
from triggerfish.adapters.sender_http import READ_LIMIT_BYTES
from triggerfish.domain.exchange import Reply


@pytest.mark.attack("answers without end, slow drips, compressed bombs")
async def test_a_compressed_bomb_is_not_inflated():
    bomb = gzip.compress(b"\0" * 10_000_000)[:4000]
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    reply = await post_to(once(head, bomb))
    assert isinstance(reply, Reply)
    assert len(reply.excerpt) <= 1000


@pytest.mark.attack("answers without end, slow drips, compressed bombs")
async def test_an_endless_body_is_cut_and_its_connection_closed():
    async def endless(connection: Connection) -> None:
        await connection.request()
        await connection.say(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await connection.say(b"x" * 65536)

    async with serving(endless) as server, sending() as sender:
        assert kind(await sender.post(to(server.url))) == "reply 200"
        await asyncio.wait_for(server.ended.get(), 2)


async def drip_body(connection: Connection) -> None:
    await connection.request()
    await connection.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await connection.say(b"x")
        await asyncio.sleep(0.02)


async def drip_head(connection: Connection) -> None:
    await connection.request()
    await connection.say(b"HTTP/1.1 200 OK\r\n")
    while True:
        await connection.say(b"a")
        await asyncio.sleep(0.02)


async def endless_interim(connection: Connection) -> None:
    await connection.request()
    while True:
        await connection.say(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("script", [silent, drip_body, drip_head, endless_interim])
@pytest.mark.attack("answers without end, slow drips, compressed bombs")
async def test_the_whole_exchange_ends_at_its_deadline(script):
    started = perf_counter()
    assert kind(await post_to(script, timeout=SHORT)) == "timeout"
    assert perf_counter() - started < SHORT + 0.5


@pytest.mark.attack("answers without end, slow drips, compressed bombs")
async def test_ten_megabytes_of_headers_are_refused_early():
    async def boast(connection: Connection) -> None:
        await connection.request()
        await connection.say(b"HTTP/1.1 200 OK\r\n")
        for number in range(100_000):
            await connection.say(b"X-%d: %s\r\n" % (number, b"y" * 90))

    async def one_long_line(connection: Connection) -> None:
        await connection.request()
        await connection.say(b"HTTP/1.1 200 OK\r\nX-A: ")
        for _ in range(160):
            await connection.say(b"y" * 65536)

    assert kind(await post_to(boast)) == "protocol_error"
    assert kind(await post_to(one_long_line)) == "protocol_error"


async def test_a_body_beyond_the_limit_costs_its_connection_only():
    long = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (READ_LIMIT_BYTES * 4)
    async with serving(always(long, b"x" * READ_LIMIT_BYTES * 4)) as server, sending() as sender:
        for _ in range(3):
            assert kind(await sender.post(to(server.url))) == "reply 200"
        assert server.connections == 3
