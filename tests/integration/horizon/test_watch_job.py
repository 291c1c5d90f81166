"""Jobs watched live, by WebSocket and by Server-Sent Events, over real connections."""

import asyncio
import json
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.conftest import API_KEY
from tests.integration.horizon.watching import (
    LISTENERS,
    SECONDS,
    Live,
    listeners,
    prove,
    states,
)
from tests.integration.imports import JOBS, imported, lines, upload
from tests.integration.lanes import Api, assert_refused
from triggerfish.wiring import close_all, wiring


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
