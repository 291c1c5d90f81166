"""Uploads over HTTP: what is taken, what is refused by name, and nothing left of what failed."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import functions
from tests.integration.imports import JOBS, UPLOAD, a_line, lines, upload
from tests.integration.lanes import Api, assert_refused
from triggerfish.adapters.object_store_files import FileStore
from triggerfish.domain.errors import TryLater
from triggerfish.settings import Settings
from triggerfish.wiring import close_all

MULTIPART = {"content-type": "multipart/form-data; boundary=x"}
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'


def nothing_is_left(api: Api, settings: Settings) -> bool:
    folder = Path(settings.object_store.removeprefix("file:"))
    return api.sql("SELECT id FROM jobs") == [] and [*folder.glob("*")] == []


async def test_an_upload_is_stored_whole_and_queued(api: Api, settings: Settings) -> None:
    content = lines(3)
    job_id = await upload(api, content)
    job = await api.get(f"{JOBS}/{job_id}")
    assert job["status"] == "queued"
    assert (job["file_name"], job["size"]) == ("app.jsonl", len(content))
    assert job["sha256"] == hashlib.sha256(content).hexdigest()
    assert (job["percent"], job["lines"]["total"]) == (0, 0)
    assert job["error"] is job["started_at"] is job["completed_at"] is None
    stored = Path(settings.object_store.removeprefix("file:")) / job_id
    assert stored.read_bytes() == content
    [message] = functions.messages(settings.imports_queue_url)
    assert job_id in message["body"]


async def test_folders_that_a_client_sends_are_no_part_of_the_name(api: Api) -> None:
    job_id = await upload(api, a_line(), "C:\\logs\\app.JSONL")
    assert (await api.get(f"{JOBS}/{job_id}"))["file_name"] == "app.JSONL"


async def test_what_is_no_file_of_log_lines_is_refused(api: Api, settings: Settings) -> None:
    refused = [
        ("app.json", a_line(), "must be named *.jsonl"),
        (".jsonl", a_line(), "must be named *.jsonl"),
        ("a" * 250 + ".jsonl", a_line(), "255 printable characters"),
        ("app.jsonl", b"", "is empty"),
        ("app.jsonl", b"\n" + a_line(), "line 1 must not be empty"),
        ("app.jsonl", b"\xef\xbb\xbf", "line 1 must not be empty"),
        ("app.jsonl", b"hello\n", "line 1 must be JSON"),
        ("app.jsonl", b"[1]\n", "line 1 must be a JSON object"),
        ("app.jsonl", b"\xff\xfe\n", "line 1 must be UTF-8"),
        ("app.jsonl", b"x" * (3 << 20), "line 1 is longer than 1048576 bytes"),
    ]
    for name, content, said in refused:
        answer = await api.http.post(UPLOAD, files={"file": (name, content)})
        assert_refused(answer, 400, "file")
        assert said in answer.text
    assert nothing_is_left(api, settings)


async def test_a_body_is_one_part_called_file(api: Api, settings: Settings) -> None:
    for files in (
        {"other": ("a.jsonl", a_line())},
        {"file": ("a.jsonl", a_line()), "more": ("b.jsonl", a_line())},
    ):
        assert_refused(await api.http.post(UPLOAD, files=files), 400, "file")
    assert nothing_is_left(api, settings)


async def test_another_content_type_is_refused(api: Api) -> None:
    assert_refused(await api.http.post(UPLOAD, json={}), 415)
    headers = {"content-type": "multipart/form-data"}
    assert_refused(await api.http.post(UPLOAD, content=b"x", headers=headers), 415)


async def test_a_body_that_breaks_off_leaves_nothing(api: Api, settings: Settings) -> None:
    for body in (PART + a_line() + b"\n", PART + a_line() + b"\r\n--x", PART[:30]):
        answer = await api.http.post(UPLOAD, content=body, headers=MULTIPART)
        assert_refused(answer, 400, "file")
    assert nothing_is_left(api, settings)


async def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGERFISH_HORIZON_MAX_UPLOAD_BYTES", "500")
    await close_all()
    assert_refused(await api.http.post(UPLOAD, files={"file": ("a.jsonl", lines(5))}), 413)
    assert_refused(await api.http.post(UPLOAD, files={"file": ("a.jsonl", lines(999))}), 413)
    assert nothing_is_left(api, settings)
    await upload(api, lines(2))


async def test_an_upload_whose_client_goes_away_leaves_nothing(
    api: Api, settings: Settings, lane: str
) -> None:
    if lane == "event":
        pytest.skip("the gateway hands over whole bodies")
    begun = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield PART + a_line() + b"\n"
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(api.http.post(UPLOAD, content=body(), headers=MULTIPART))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert nothing_is_left(api, settings)


async def test_an_upload_without_its_store_says_try_later_and_is_swept(
    api: Api, settings: Settings
) -> None:
    folder = Path(settings.object_store.removeprefix("file:"))
    folder.write_text("a file where the folder was")
    answer: httpx.Response = await api.http.post(UPLOAD, files={"file": ("a.jsonl", a_line())})
    assert_refused(answer, 503)
    assert (await api.get(JOBS))["data"] == []
    folder.unlink()
    api.sql("UPDATE jobs SET resend_at = now()")
    await functions.sweep_jobs()
    assert nothing_is_left(api, settings)


async def test_an_object_that_was_whole_before_its_upload_failed_is_deleted(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = FileStore.create

    @asynccontextmanager
    async def without_answer(store: FileStore, key: str) -> AsyncIterator[Any]:
        async with created(store, key) as write:
            yield write
        raise TryLater("The object store is not reachable; try again shortly.")

    monkeypatch.setattr(FileStore, "create", without_answer)
    answer: httpx.Response = await api.http.post(UPLOAD, files={"file": ("a.jsonl", a_line())})
    assert_refused(answer, 503)
    assert nothing_is_left(api, settings)
