"""Who may watch a job: by key or ticket, from which pages, and how many at once."""

import asyncio
import json
from contextlib import AsyncExitStack
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from local.runtime.serving import MAX_SOCKET_MESSAGE_BYTES
from tests import functions
from tests.conftest import API_KEY
from tests.integration.horizon.watching import (
    SECONDS,
    Live,
    closed_with,
    prove,
)
from tests.integration.imports import JOBS, lines, upload
from tests.integration.keys import an_api_key
from tests.integration.lanes import assert_refused
from triggerfish.wiring import wiring


@pytest.mark.attack("WebSockets: other origins, silence, floods, used tickets")
async def test_who_may_not_watch_is_told_by_the_close_code(live: Live) -> None:
    job_id = await upload(live.api, lines(3))
    other = an_api_key(live.api, "tf_other", "jobs:read")
    lacking = an_api_key(live.api, "tf_lacking", "jobs:write")
    refused = [
        (job_id, json.dumps({"api_key": "tf_nobody"}), 4401),
        (job_id, json.dumps({"api_key": "\u00e4"}), 4401),
        (job_id, json.dumps({"key": API_KEY}), 4401),
        (job_id, "hello", 4401),
        (job_id, json.dumps({"api_key": lacking["authorization"][7:]}), 4403),
        (job_id, json.dumps({"api_key": other["authorization"][7:]}), 4404),
        (str(uuid4()), json.dumps({"api_key": API_KEY}), 4404),
        ("no-id", json.dumps({"api_key": API_KEY}), 4404),
    ]
    for id, message, code in refused:
        async with live.socket(id) as socket:
            await socket.send(message)
            assert await closed_with(socket) == code, message
    assert wiring().job_changes.watchers == 0


@pytest.mark.attack("WebSockets: other origins, silence, floods, used tickets")
async def test_a_first_message_beyond_any_size_is_not_read(live: Live) -> None:
    async with live.socket(str(uuid4())) as socket:
        await socket.send("x" * (MAX_SOCKET_MESSAGE_BYTES + 1))
        assert await closed_with(socket) == 1009
    async with live.socket(str(uuid4())) as socket:
        await socket.send(json.dumps({"api_key": "x" * 100_000}))
        assert await closed_with(socket) == 4401


@pytest.mark.attack("WebSockets: other origins, silence, floods, used tickets")
async def test_streams_beyond_what_a_project_may_hold_open_are_refused(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await upload(live.api, lines(1))
    monkeypatch.setattr(wiring().job_streams, "_each", 2)
    stream = f"http://{live.address}{JOBS}/{job_id}/stream"
    headers = {"authorization": f"Bearer {API_KEY}"}
    async with live.socket(job_id) as first, live.socket(job_id) as second:
        for socket in (first, second):
            await prove(socket)
            await socket.recv()
        async with live.socket(job_id) as third:
            await prove(third)
            assert await closed_with(third) == 1013
        async with httpx.AsyncClient(headers=headers) as http:
            assert_refused(refused := await http.get(stream), 429)
            assert refused.headers["retry-after"] == "1"
    async with httpx.AsyncClient(headers=headers) as http, asyncio.timeout(SECONDS):
        for _ in range(3):  # each place is free again when its reader has gone
            while not await is_open(http, stream):
                await asyncio.sleep(0.02)


async def is_open(http: httpx.AsyncClient, url: str) -> bool:
    async with http.stream("GET", url) as answer:
        return answer.status_code == 200


@pytest.mark.attack("WebSockets: other origins, silence, floods, used tickets")
async def test_sockets_without_proof_take_no_place_of_those_with_it(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring().job_streams, "_total", 2)
    monkeypatch.setattr(wiring().unproved_sockets, "_limit", 3)
    job_id = await upload(live.api, lines(1))
    async with AsyncExitStack() as silent:
        sockets = [await silent.enter_async_context(live.socket(job_id)) for _ in range(9)]
        for _ in range(2):
            async with live.socket(job_id) as socket:
                await prove(socket)
                assert json.loads(await socket.recv())["id"] == job_id
        for oldest in sockets[:6]:
            assert await closed_with(oldest) == 4401
    assert not wiring().unproved_sockets._open


@pytest.mark.attack("WebSockets: other origins, silence, floods, used tickets")
async def test_sockets_with_proof_are_counted(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring().job_streams, "_total", 1)
    job_id = await upload(live.api, lines(1))
    async with live.socket(job_id) as first, live.socket(job_id) as second:
        await prove(first)
        assert json.loads(await first.recv())["id"] == job_id
        await prove(second)
        assert await closed_with(second) == 1013


@pytest.mark.attack("WebSockets: other origins, silence, floods, used tickets")
async def test_who_says_nothing_is_not_kept(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triggerfish.edge.job_socket.FIRST_MESSAGE_SECONDS", 0.05)
    async with live.socket(str(uuid4())) as socket:
        assert await closed_with(socket) == 4401


@pytest.mark.attack("WebSockets: other origins, silence, floods, used tickets")
async def test_a_page_of_another_site_is_refused(live: Live) -> None:
    job_id = await upload(live.api, lines(1))
    with pytest.raises(InvalidStatus) as refused:
        async with live.socket(job_id, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    for origin in ("https://app.example.com", f"http://{live.address}"):
        async with live.socket(job_id, origin=origin) as socket:
            await prove(socket)
            assert json.loads(await socket.recv())["id"] == job_id


@pytest.mark.attack("WebSockets: other origins, silence, floods, used tickets")
async def test_a_ticket_watches_one_job_once(live: Live) -> None:
    job_id, other_id = [await upload(live.api, lines(1)) for _ in range(2)]
    answer = await live.api.http.post(f"{JOBS}/{job_id}/tickets")
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    ticket = answer.json()["ticket"]
    assert ticket not in str(live.api.sql("SELECT * FROM job_tickets"))
    async with live.socket(other_id, f"?ticket={ticket}") as socket:
        assert await closed_with(socket) == 4401
    async with live.socket(job_id, f"?ticket={ticket}") as socket:
        assert json.loads(await socket.recv())["id"] == job_id
    async with live.socket(job_id, f"?ticket={ticket}") as socket:
        assert await closed_with(socket) == 4401


@pytest.mark.attack("WebSockets: other origins, silence, floods, used tickets")
async def test_a_ticket_that_is_too_old_is_none_and_is_swept(live: Live) -> None:
    job_id = await upload(live.api, lines(1))
    ticket = (await live.api.http.post(f"{JOBS}/{job_id}/tickets")).json()["ticket"]
    live.api.sql("UPDATE job_tickets SET expires_at = now()")
    async with live.socket(job_id, f"?ticket={ticket}") as socket:
        assert await closed_with(socket) == 4401
    await functions.sweep_jobs()
    assert live.api.sql("SELECT count(*) FROM job_tickets") == [(0,)]
