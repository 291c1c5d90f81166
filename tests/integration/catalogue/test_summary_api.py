"""Summaries over HTTP, through both lanes: the stream as its reader gets it."""

import asyncio
import json
import re
from collections.abc import MutableMapping
from datetime import timedelta
from importlib import import_module
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.integration.catalogue.actions import NOBODY, PUBLIC, Catalogue
from triggerfish.wiring import wiring

pytestmark = pytest.mark.asyncio(loop_scope="module")

MESSAGE = re.compile(r"(?:event: (\w+)\n)?data: ?(.*)\n\n")


async def summary(http: httpx.AsyncClient, event: dict[str, Any]) -> httpx.Response:
    answer = await http.get(f"{PUBLIC}/{event['id']}/summary", headers=NOBODY)
    assert answer.status_code == 200, answer.text
    return answer


def app() -> FastAPI:
    """Imported on the running loop, since apps for Lambda are made on one."""
    found: FastAPI = import_module("functions.stream_summary.handler").app
    return found


def one_process() -> httpx.AsyncClient:
    """The function with one memory. In the event lane each thread has its own, as each Lambda has."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app()), base_url="http://one")


def pieces(answer: httpx.Response) -> list[str]:
    """The data of every message but the last one, which is the end."""
    found = MESSAGE.findall(answer.text)
    assert (
        "".join(
            (f"event: {kind}\n" if kind else "") + f"data:{' ' if data else ''}{data}\n\n"
            for kind, data in found
        )
        == answer.text
    )
    assert found[-1] == ("done", "")
    assert not any(kind for kind, _ in found[:-1])
    return [data for _, data in found[:-1]]


@pytest.mark.attack("floods: rates, quotas")
async def test_summaries_beyond_what_a_process_holds_open_are_refused(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await catalogue.create(status="PUBLISHED")
    async with one_process() as http:
        path = f"{PUBLIC}/{event['id']}/summary"
        monkeypatch.setattr(wiring().summary_streams, "_total", 1)
        assert [(await http.get(path)).status_code for _ in range(3)] == [200] * 3
        monkeypatch.setattr(wiring().summary_streams, "_total", 0)
        refused = await http.get(path)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json()["error"]["code"] == "RATE_LIMITED"


async def test_a_summary_is_streamed_in_pieces_of_2_to_5_tokens(catalogue: Catalogue) -> None:
    event = await catalogue.create(status="PUBLISHED")
    answer = await summary(catalogue.http, event)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    told = pieces(answer)
    assert all(2 <= len(piece.split()) <= 5 for piece in told)
    text = "".join(told)
    assert 50 <= len(text.split()) <= 100
    for part in ("Jazz Night", "Blue Note, Berlin", "Tuesday, 5 March 2999 at 19:30", "tickets"):
        assert part in text


async def test_a_summary_is_remembered_until_what_the_public_sees_changes(
    catalogue: Catalogue,
) -> None:
    event = await catalogue.create(status="PUBLISHED")

    async def cache() -> tuple[str, str]:
        async with one_process() as http:
            answer = await summary(http, event)
        return answer.headers["x-summary-cache"], "".join(pieces(answer))

    missed, text = await cache()
    assert missed == "MISS"
    assert await cache() == ("HIT", text)
    await catalogue.change(event, internalNotes="of no concern to the public")
    assert await cache() == ("HIT", text)
    for change in (
        "title = 'Blues Night'",
        "location = 'Rome'",
        "start_at = start_at - interval '1 hour'",
        "end_at = end_at + interval '1 hour'",
    ):
        catalogue.sql(f"UPDATE catalogue_events SET {change}")
        missed, changed = await cache()
        assert (missed, changed != text) == ("MISS", True), change
        text = changed
    await catalogue.change(event, status="CANCELLED")
    missed, text = await cache()
    assert missed == "MISS"
    assert "cancelled" in text
    assert "get your tickets" not in text
    assert await cache() == ("HIT", text)


async def test_a_burst_on_a_new_event_makes_its_summary_once(catalogue: Catalogue) -> None:
    event = await catalogue.create(status="PUBLISHED")
    async with one_process() as http:
        answers = await asyncio.gather(*(summary(http, event) for _ in range(40)))
    assert len({answer.text for answer in answers}) == 1
    assert [answer.headers["x-summary-cache"] for answer in answers].count("MISS") == 1


class Wire:
    """A connection as an ASGI server has it; the reader goes away after so many messages."""

    def __init__(self, goes_after: int) -> None:
        self.sent: list[bytes] = []
        self._goes_after = goes_after
        self._gone = asyncio.Event()
        self._asked = False

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            self.sent.append(message.get("body", b""))
        if len(self.sent) >= self._goes_after:
            self._gone.set()


async def test_a_reader_who_goes_away_ends_the_stream(
    catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    event = await catalogue.create(status="PUBLISHED")
    wire, path = Wire(goes_after=3), f"{PUBLIC}/{event['id']}/summary"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    assert wiring().settings.summary_delay > timedelta()
    async with asyncio.timeout(60):
        await app()(scope, wire.receive, wire.send)
    sent = len(wire.sent)
    assert 3 <= sent < len(pieces(await summary(catalogue.http, event)))
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    [abandoned] = [line for line in lines if line.get("abandoned")]
    assert (abandoned["event"], abandoned["event_id"]) == ("summary_streamed", event["id"])
    assert abandoned["sent"] < abandoned["of"]
