"""What is sent: exactly the bytes and headers that were asked for, and by what."""

import asyncio

import httpx
import pytest

from tests.integration.delivery.sender.posting import (
    NOTHING_PRIVATE,
    NOW,
    kind,
    post_to,
    sending,
    silent,
    to,
)
from tests.integration.delivery.sender.raw_server import (
    OK,
    Connection,
    always,
    once,
    serving,
)
from triggerfish.adapters.sender_http import HttpSender, user_agent
from triggerfish.domain.exchange import Reply


async def test_the_exact_bytes_and_headers_arrive():
    seen = []

    async def note(connection: Connection) -> None:
        seen.append(await connection.request())
        await connection.say(OK)

    async with serving(note) as server, sending() as sender:
        request = to(server.url, body=b'{"a":  1}\n', webhook_id="evt", X_Team="ops")
        assert await sender.post(request) == Reply(200, None, "ok")
    ((headers, body),) = seen
    assert body == b'{"a":  1}\n'
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == user_agent()
    assert headers["user-agent"].startswith("Triggerfish/")
    assert headers["webhook-id"] == "evt"
    assert headers["x-team"] == "ops"
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["accept-encoding"] == "identity"
    assert "cookie" not in headers


async def test_an_empty_body_is_posted_as_such():
    assert kind(await post_to(once(OK), body=b"")) == "reply 200"


async def test_the_environments_proxy_is_not_used(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert kind(await post_to(once(OK))) == "reply 200"


@pytest.mark.attack("header injection")
async def test_a_header_that_would_split_the_request_is_not_sent():
    async with serving(always(OK)) as server, sending() as sender:
        assert kind(await sender.post(to(server.url, X_A="a\r\nX-Evil: 1"))) == "protocol_error"


async def test_being_cancelled_is_passed_on():
    async with serving(silent) as server, sending() as sender:
        task = asyncio.create_task(sender.post(to(server.url)))
        while server.connections == 0:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_another_httpx_transport_can_take_the_place_of_the_guarded_one():
    transport = httpx.MockTransport(lambda request: httpx.Response(202, content=request.content))
    sender = HttpSender(NOTHING_PRIVATE, now=lambda: NOW, transport=transport)
    assert await sender.post(to("https://example.com/", body=b"[1]")) == Reply(202, None, "[1]")
