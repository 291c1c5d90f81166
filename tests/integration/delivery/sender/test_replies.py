"""What counts as a reply, and what is kept of it."""

import asyncio

import pytest

from tests.integration.delivery.sender.posting import SHORT, kind, post_to, sending, to
from tests.integration.delivery.sender.raw_server import (
    OK,
    Connection,
    always,
    once,
    serving,
)
from triggerfish.domain.exchange import Reply


async def test_a_status_of_any_kind_is_a_reply():
    for status in (204, 400, 404, 410, 500, 503, 599):
        reply = await post_to(once(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status))
        assert reply == Reply(status, None, "")


@pytest.mark.attack("redirects to elsewhere")
async def test_a_redirect_is_a_reply_and_not_followed():
    async with serving(always(OK)) as elsewhere:
        location = elsewhere.url.encode()
        answer = b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location
        assert kind(await post_to(once(answer))) == "reply 302"
        assert elsewhere.connections == 0


async def test_retry_after_is_read_against_the_replys_date():
    date = b"Date: Tue, 03 Nov 2026 11:59:00 GMT\r\n"
    answer = b"HTTP/1.1 503 X\r\n%sRetry-After: %s\r\nContent-Length: 0\r\n\r\n"
    soon = b"Tue, 03 Nov 2026 12:00:30 GMT"
    assert await post_to(once(answer % (b"", b"17"))) == Reply(503, 17.0, "")
    assert await post_to(once(answer % (b"", soon))) == Reply(503, 30.0, "")
    assert await post_to(once(answer % (date, soon))) == Reply(503, 90.0, "")
    assert await post_to(once(answer % (b"", b"whenever"))) == Reply(503, None, "")


async def test_the_excerpt_is_cut_and_made_storable():
    body = b"\x00\xff" + b"a" * 5000
    reply = await post_to(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5002\r\n\r\n", body))
    assert isinstance(reply, Reply)
    assert reply.excerpt == "\ufffd" + "a" * 999


async def test_an_early_answer_to_an_unread_body_is_a_reply():
    async def hasty(connection: Connection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(10)

    assert kind(await post_to(hasty, body=b"x" * 1_000_000, timeout=3)) == "reply 413"


STATUS_LINE = b"HTTP/1.1 %d %s\r\n"
ODD_HEADS = {
    "a reason that is not ASCII": "HTTP/1.1 {} Erstellt, schön\r\n\r\n".encode("latin-1"),
    "a reason in UTF-8": "HTTP/1.1 {} 作成済み\r\n\r\n".encode(),
    "no reason": b"HTTP/1.1 {}\r\n\r\n",
    "a header of 64 KiB": b"HTTP/1.1 {} X\r\nX-A: " + b"a" * 65536 + b"\r\n\r\n",
    "64 KiB of headers": b"HTTP/1.1 {} X\r\n" + b"X-A: aaaaaaaa\r\n" * 4300 + b"\r\n",
    "a line that is no header": b"HTTP/1.1 {} X\r\nno colon\r\n\r\n",
    "a header with a blank in its name": b"HTTP/1.1 {} X\r\nX A : b\r\n\r\n",
    "a header with control characters": b"HTTP/1.1 {} X\r\nX-A: \x00\x01\xff\r\n\r\n",
    "a folded header": b"HTTP/1.1 {} X\r\nX-A: a\r\n b: c\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 {} X\nX-A: a\n\n",
    "an older version": b"HTTP/1.0 {} X\r\n\r\n",
    "a newer version": b"HTTP/2 {}\r\n\r\n",
    "informational answers before it": b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nA: b\r\n\r\nHTTP/1.1 {} X\r\n\r\n",
}
ODD_BODIES = {
    "a negative length": b"Content-Length: -1\r\n\r\n",
    "a length in words": b"Content-Length: ten\r\n\r\n0123456789",
    "a length like the end of the universe": b"Content-Length: " + b"9" * 400 + b"\r\n\r\nabc",
    "two lengths": b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "a length and chunks": b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "more than its length": b"Content-Length: 2\r\n\r\nabcdef",
    "less than its length": b"Content-Length: 10\r\n\r\nabc",
    "a chunk that breaks off": b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    "no chunks at all": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
    "a chunk longer than its size": b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "a negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n",
    "trailers that are none": b"Transfer-Encoding: chunked\r\n\r\n0\r\nnonsense\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: gzip, bzip9\r\n\r\nabc",
    "no gzip": b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    "no UTF-8": b"Content-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n\xff\x00",
}
PLAINLY_FRAMED = {"no gzip", "no UTF-8", "trailers that are none"}


@pytest.mark.parametrize("status", [200, 204, 410, 503])
@pytest.mark.parametrize("head", ODD_HEADS)
async def test_the_status_line_decides_whatever_else_is_odd_in_the_head(head, status):
    answer = ODD_HEADS[head].replace(b"{}", b"%d" % status)
    with_wait = answer.replace(b"\n", b"\nRetry-After: 7\r\n", 1) if status == 503 else answer
    if status == 503 and head == "informational answers before it":
        with_wait = answer[:-2] + b"Retry-After: 7\r\n\r\n"
    reply = await post_to(once(with_wait), timeout=2)
    assert kind(reply) == f"reply {status}"
    assert isinstance(reply, Reply)
    assert reply.retry_after_seconds == (7.0 if status == 503 else None)


@pytest.mark.parametrize("status", [201, 410, 503])
@pytest.mark.parametrize("body", ODD_BODIES)
async def test_the_status_line_decides_whatever_is_odd_in_the_body(body, status):
    answer = STATUS_LINE % (status, b"X") + b"Retry-After: 7\r\n" + ODD_BODIES[body]
    reply = await post_to(once(answer), timeout=2)
    assert kind(reply) == f"reply {status}"
    assert isinstance(reply, Reply)
    assert reply.retry_after_seconds == 7.0


@pytest.mark.parametrize("body", sorted(ODD_BODIES.keys() - PLAINLY_FRAMED))
async def test_a_connection_with_an_odd_body_serves_no_other_delivery(body):
    answer = b"HTTP/1.1 200 X\r\n" + ODD_BODIES[body]

    async def twice(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.say(answer)

    async with serving(twice) as server, sending() as sender:
        for _ in range(3):
            assert kind(await sender.post(to(server.url, timeout=SHORT))) == "reply 200"
        assert server.connections == 3


async def test_chunks_are_put_together_and_leave_the_connection_usable():
    chunks = b"3;a=b\r\nabc\r\n02 \r\nde\r\n0\r\nT: t\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" + chunks

    async def drip(connection: Connection) -> None:
        while True:
            await connection.request()
            for at in range(len(answer)):
                await connection.say(answer[at : at + 1])

    async with serving(drip) as server, sending() as sender:
        for _ in range(3):
            assert await sender.post(to(server.url)) == Reply(200, None, "abcde")
        assert server.connections == 1


async def test_switching_protocols_is_a_reply_that_nobody_asked_for():
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"
    assert kind(await post_to(once(answer))) == "reply 101"
