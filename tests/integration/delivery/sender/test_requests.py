"""What is sent: exactly the bytes and headers that were asked for, and by what."""

import asyncio

import pytest

from tests.integration.delivery.sender.posting import (
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
from triggerfish.adapters.outgoing.target import user_agent
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


@pytest.mark.parametrize(
    ("rest", "sent"),
    [
        ("", "/"),
        ("?a=b", "/?a=b"),
        ("/a?", "/a?"),
        ("/a%2Fb%3Ac%40d%28e%29?sig=%2F%3A%40%28%2b&x=a+b", None),
        ("/a//b/../c/./d;e=f", None),
        ("/%7e%e4%00%", None),
        ("/{a}|^`\"<>'()*!$&,;=:@[]~", None),
        ("/schön?q=日本", "/sch%C3%B6n?q=%E6%97%A5%E6%9C%AC"),
    ],
)
async def test_path_and_query_are_sent_byte_for_byte(rest, sent):
    lines = []

    async def note(connection: Connection) -> None:
        lines.append(await connection.request_line())
        await connection.say(OK)

    async with serving(note) as server, sending() as sender:
        assert kind(await sender.post(to(f"http://127.0.0.1:{server.port}{rest}"))) == "reply 200"
    assert lines == [f"POST {rest if sent is None else sent} HTTP/1.1"]


async def test_header_names_are_sent_as_the_customer_wrote_them():
    heads = []

    async def note(connection: Connection) -> None:
        heads.append(await connection.reader.readuntil(b"\r\n\r\n"))
        await connection.say(OK)

    async with serving(note) as server, sending() as sender:
        await sender.post(to(server.url, X_TeAm="Ops", Accept="text/plain"))
    assert b"\r\nX-TeAm: Ops\r\n" in heads[0]
    assert heads[0].lower().count(b"\r\naccept: ") == 1
