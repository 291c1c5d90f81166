"""What counts as a reply, and what is kept of it."""

import asyncio

import pytest

from tests.integration.delivery.sender.posting import kind, post_to
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
