"""Jobs watched live, by WebSocket and by Server-Sent Events, over real connections."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local.runtime.gateway import Gateway
from local.runtime.serving import MAX_SOCKET_MESSAGE_BYTES, uvicorn_config
from tests import functions
from tests.conftest import API_KEY
from tests.integration.imports import JOBS, imported, lines, upload
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused, serving, template
from triggerfish.settings import Settings
from triggerfish.wiring import close_all, wiring
from triggerfish.wiring.upkeep import migrate

SECONDS = 60
LISTENERS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE query LIKE 'LISTEN%%' AND datname = current_database()
"""


@dataclass(frozen=True)
class Live:
    """The API behind a real server on loopback."""

    api: Api
    settings: Settings
    address: str

    def socket(self, job_id: str, query: str = "", **options: Any) -> connect:
        return connect(f"ws://{self.address}/ws/jobs/{job_id}{query}", proxy=None, **options)

    async def work(self) -> None:
        await functions.work_imports(self.settings.imports_queue_url)


@pytest.fixture
async def live(settings: Settings) -> AsyncIterator[Live]:
    first = settings.model_copy(update={"bootstrap_api_key": API_KEY})
    await asyncio.to_thread(migrate, first)
    environment = {
        "TRIGGERFISH_IMPORTS_QUEUE_URL": settings.imports_queue_url,
        "TRIGGERFISH_OBJECT_STORE": settings.object_store,
        "TRIGGERFISH_HORIZON_WEBSOCKET_ORIGINS": "https://app.example.com",
    }
    async with serving("native", settings.database_url, environment) as api, served() as address:
        yield Live(api, settings, address)


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn_config(lambda: Gateway(template())))
    listener = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.02)
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await task


async def prove(socket: ClientConnection, key: str = API_KEY) -> None:
    await socket.send(json.dumps({"api_key": key}))


async def states(socket: ClientConnection) -> list[dict[str, Any]]:
    """All that comes until the server closes, which it must do as after a final state."""
    seen = [json.loads(text) async for text in socket]
    assert socket.close_code == 1000
    return seen


async def listeners(live: Live, count: int) -> None:
    """Wait until just so many connections listen."""
    async with asyncio.timeout(SECONDS):
        while live.api.sql(LISTENERS) != [(count,)]:
            await asyncio.sleep(0.02)


async def closed_with(socket: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(socket.recv(), SECONDS)
    return socket.close_code


async def test_a_socket_shows_the_state_then_progress_then_the_end_and_closes(live: Live) -> None:
    job_id = await upload(live.api, lines(400))
    async with live.socket(job_id) as socket:
        await prove(socket)
        first = json.loads(await socket.recv())
        assert (first["status"], first["percent"]) == ("queued", 0)
        watching = asyncio.create_task(states(socket))
        await live.work()
        seen = await asyncio.wait_for(watching, SECONDS)
    # The first state may come twice: whoever watches looks again once it listens.
    assert {state["status"] for state in seen} - {"queued"} == {"processing", "completed"}
    assert seen[-1] == await live.api.get(f"{JOBS}/{job_id}")
    assert len(seen) > 5, "each percent is an update"


async def test_a_hundred_watchers_see_monotone_progress_and_the_end(live: Live) -> None:
    job_id = await upload(live.api, lines(300))
    watchers = 100

    async def watch() -> list[dict[str, Any]]:
        async with live.socket(job_id) as socket:
            await prove(socket)
            return await states(socket)

    tasks = [asyncio.create_task(watch()) for _ in range(watchers)]
    hub = wiring().job_changes
    async with asyncio.timeout(SECONDS):
        while hub.watchers < watchers:
            await asyncio.sleep(0.02)
    await listeners(live, 1)
    await live.work()
    for seen in await asyncio.wait_for(asyncio.gather(*tasks), SECONDS):
        percents = [state["percent"] for state in seen]
        totals = [state["lines"]["total"] for state in seen]
        assert (percents, totals) == (sorted(percents), sorted(totals))
        assert seen[-1]["status"] == "completed"
        assert seen[-1]["lines"] == {"total": 300, "accepted": 300, "rejected": 0}
    await listeners(live, 0)
    assert hub.watchers == 0


async def test_who_comes_after_the_end_sees_it(live: Live) -> None:
    job = await imported(live.api, live.settings, lines(3))
    async with live.socket(job["id"]) as socket:
        await prove(socket)
        assert await asyncio.wait_for(states(socket), SECONDS) == [job]


async def test_a_client_that_leaves_is_watched_for_no_longer(live: Live) -> None:
    job_id = await upload(live.api, lines(3))
    async with live.socket(job_id) as socket:
        await prove(socket)
        await socket.recv()
        assert wiring().job_changes.watchers == 1
    async with asyncio.timeout(SECONDS):
        while wiring().job_changes.watchers:
            await asyncio.sleep(0.02)


async def test_a_listener_that_is_cut_off_comes_back_and_misses_nothing(live: Live) -> None:
    job_id = await upload(live.api, lines(3))
    async with live.socket(job_id) as socket:
        await prove(socket)
        await socket.recv()
        await listeners(live, 1)
        live.api.sql(LISTENERS.replace("count(*)", "pg_terminate_backend(pid)"))
        await live.work()
        seen = await asyncio.wait_for(states(socket), SECONDS)
    assert seen[-1]["status"] == "completed"


async def test_a_job_that_is_deleted_ends_the_watching(live: Live) -> None:
    job_id = await upload(live.api, lines(3))
    async with live.socket(job_id) as socket:
        await prove(socket)
        await socket.recv()
        await live.api.http.delete(f"{JOBS}/{job_id}")
        seen = await asyncio.wait_for(states(socket), SECONDS)
    assert all(state["status"] == "queued" for state in seen), "it may be told once more"


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
async def test_sockets_that_have_not_proved_themselves_count_too(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring().job_streams, "_total", 1)
    job_id = await upload(live.api, lines(1))
    async with live.socket(job_id) as silent, live.socket(job_id) as late:
        assert await closed_with(late) == 1013
        await prove(silent)
        assert json.loads(await silent.recv())["id"] == job_id


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


async def test_a_stream_shows_the_same_as_a_socket(live: Live) -> None:
    job_id = await upload(live.api, lines(200))
    headers = {"authorization": f"Bearer {API_KEY}"}
    url = f"http://{live.address}{JOBS}/{job_id}/stream"
    events: list[str] = []
    async with (
        httpx.AsyncClient(headers=headers, timeout=SECONDS) as http,
        http.stream("GET", url) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "no-store" in answer.headers["cache-control"]
        async for line in answer.aiter_lines():
            if not events:
                await live.work()
            events.append(line)
    texts = [line.removeprefix("data: ") for line in events if line.startswith("data: ")]
    seen = [json.loads(text) for text in texts]
    assert seen[0]["status"] == "queued"
    assert seen[-1] == await live.api.get(f"{JOBS}/{job_id}")
    assert seen[-1]["status"] == "completed"
    assert "event: done" in events


async def test_an_import_that_goes_on_is_watched_for_a_time_and_then_again(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGERFISH_HORIZON_WATCH_SECONDS", "0.1")
    await close_all()  # forget the settings
    job_id = await upload(live.api, lines(3))
    url = f"http://{live.address}{JOBS}/{job_id}/stream"
    headers = {"authorization": f"Bearer {API_KEY}"}
    async with httpx.AsyncClient(headers=headers, timeout=SECONDS) as http:
        text = (await http.get(url)).text
        assert '"status":"queued"' in text
        assert "event: done" not in text
        async with live.socket(job_id) as socket:
            await prove(socket)
            with suppress(ConnectionClosed):
                async for message in socket:
                    assert json.loads(message)["status"] == "queued"
            assert socket.close_code == 1013
        await live.work()
        assert "event: done" in (await http.get(url)).text


async def test_a_stream_that_is_gathered_shows_the_present_state(api: Api, lane: str) -> None:
    if lane == "native":
        pytest.skip("it would stay open until the job's end")
    job_id = await upload(api, lines(1))
    answer = await api.http.get(f"{JOBS}/{job_id}/stream")
    text = answer.text.partition("data: ")[2].partition("\n")[0]
    assert json.loads(text) == await api.get(f"{JOBS}/{job_id}")
    assert "event: done" not in answer.text, "there is more to come"
    assert_refused(await api.http.get(f"{JOBS}/{uuid4()}/stream"), 404)
