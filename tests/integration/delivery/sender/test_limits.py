"""No answer takes more time or memory than it is given."""

import asyncio
import gzip
from collections.abc import Iterable
from time import perf_counter, process_time

import pytest

from tests.integration.delivery.sender.posting import SHORT, kind, post_to, sending, silent, to
from tests.integration.delivery.sender.raw_server import (
    OK,
    Connection,
    always,
    once,
    serving,
)
from tests.outgoing_attacks import AFTER_IT, BEFORE_A_FINAL_ANSWER, flood
from triggerfish.adapters.outgoing.answer import (
    READ_LIMIT_BYTES,
    TOO_LONG,
    AnswerReader,
    NotAnAnswer,
)
from triggerfish.domain.exchange import Reply, SendFailure


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


async def say_no_more(connection: Connection) -> None:
    await connection.request()
    await connection.say(b"HTTP/1.1 410 Gone\r\nContent-Length: 2\r\n\r\n")
    await asyncio.sleep(10)


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


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (silent, "timeout"),
        (drip_head, "timeout"),
        (endless_interim, "timeout"),
        (drip_body, "reply 200"),
        (say_no_more, "reply 410"),
    ],
)
@pytest.mark.attack("answers without end, slow drips, compressed bombs")
async def test_the_whole_exchange_ends_at_its_deadline(script, outcome):
    started = perf_counter()
    assert kind(await post_to(script, timeout=SHORT)) == outcome
    assert perf_counter() - started < SHORT + 0.5


@pytest.mark.parametrize("endless", [*BEFORE_A_FINAL_ANSWER, *AFTER_IT])
@pytest.mark.attack("answers without end, slow drips, compressed bombs")
async def test_an_endless_answer_ends_early_and_holds_up_nobody(endless, record_property):
    """Every byte counts: informational answers, headers, chunk sizes, trailers."""
    first, again = (BEFORE_A_FINAL_ANSWER | AFTER_IT)[endless]

    async def answer(connection: Connection) -> None:
        await connection.request()
        await flood(connection.writer, first, again)

    held = 0.0
    async with serving(answer) as endless_server, serving(always(OK)) as other, sending() as sender:
        attack = asyncio.create_task(sender.post(to(endless_server.url, timeout=20)))
        while not attack.done():
            began = perf_counter()
            assert kind(await sender.post(to(other.url))) == "reply 200"
            held = max(held, perf_counter() - began)
        await asyncio.wait_for(endless_server.ended.get(), 5)
    outcome = attack.result()
    record_property("longest_wait_of_others_ms", round(held * 1000))
    if endless in AFTER_IT:
        assert kind(outcome) == "reply 200"
    else:
        assert outcome == SendFailure("protocol_error", TOO_LONG)
    assert held < 0.5


def longest_feed(pieces: Iterable[bytes]) -> float:
    """How long reading an answer holds an event loop at most: seconds of this process's own."""
    reader, longest = AnswerReader(), 0.0
    for piece in pieces:
        began = process_time()
        try:
            is_over = reader.feed(piece)
        except NotAnAnswer:
            is_over = True
        longest = max(longest, process_time() - began)
        if is_over:
            break
    return longest


@pytest.mark.parametrize("endless", [*BEFORE_A_FINAL_ANSWER, *AFTER_IT])
def test_no_answer_holds_the_event_loop_for_long(endless):
    """In one read of what an event loop takes at most, or drop by drop."""
    first, again = (BEFORE_A_FINAL_ANSWER | AFTER_IT)[endless]
    much = first + again * (256 * 1024 // len(again))
    assert longest_feed([much]) < 0.1
    began = process_time()
    longest_feed(much[at : at + 1] for at in range(len(much)))
    assert process_time() - began < 2


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
    long = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (READ_LIMIT_BYTES * 64)
    async with serving(always(long, b"x" * READ_LIMIT_BYTES * 64)) as server, sending() as sender:
        for _ in range(3):
            assert kind(await sender.post(to(server.url))) == "reply 200"
        assert server.connections == 3
