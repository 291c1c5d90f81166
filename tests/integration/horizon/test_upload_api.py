"""Uploads over HTTP: what is taken, what is refused by name, and nothing left of what failed."""

import asyncio
import gzip
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


@pytest.mark.attack("uploads: wrong bodies, names and sizes")
async def test_folders_that_a_client_sends_are_no_part_of_the_name(
    api: Api, settings: Settings
) -> None:
    for name in ("C:\\logs\\app.JSONL", "../../etc/app.JSONL", "/etc/app.JSONL", "..\\app.JSONL"):
        job_id = await upload(api, a_line(), name)
        assert (await api.get(f"{JOBS}/{job_id}"))["file_name"] == "app.JSONL"
        folder = Path(settings.object_store.removeprefix("file:"))
        assert (folder / job_id).read_bytes() == a_line()
    assert len([*folder.rglob("*")]) == 4


NAMED = {
    "RFC 5987": b"filename*=UTF-8''%C3%BCber%20alles.jsonl",
    "RFC 5987 in Latin-1": b"filename*=iso-8859-1'de'%FCber%20alles.jsonl",
    "RFC 2047 beside RFC 5987, as .NET sends it": (
        b'filename="=?utf-8?B?w7xiZXIgYWxsZXMuanNvbmw=?="; '
        b"filename*=utf-8''%C3%BCber%20alles.jsonl"
    ),
    "RFC 2047": b'filename="=?utf-8?B?w7xiZXIgYWxsZXMuanNvbmw=?="',
    "RFC 2047 in Q": b'filename="=?UTF-8?Q?=C3=BCber_alles.jsonl?="',
    "RFC 7578": 'filename="über alles.jsonl"'.encode(),
}


async def uploaded(api: Api, disposition: bytes, content: bytes = b"") -> httpx.Response:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; ' + disposition + b"\r\n\r\n"
    return await api.http.post(
        UPLOAD, content=head + (content or a_line()) + END, headers=MULTIPART
    )


@pytest.mark.parametrize("disposition", NAMED.values(), ids=NAMED)
async def test_a_name_that_is_not_ascii_is_read(api: Api, disposition: bytes) -> None:
    answer = await uploaded(api, disposition)
    assert answer.status_code == 202, answer.text
    job = await api.get(answer.headers["location"])
    assert job["file_name"] == "über alles.jsonl"


@pytest.mark.parametrize(
    "disposition",
    [
        b"filename*=utf-8''%FF.jsonl",
        b"filename*=utf-16''%FF.jsonl",
        b"filename*=utf-8''..%2F",
        b'filename="=?hex?B?YS5qc29ubA==?="',
        b'filename="=?utf-8?B?a?="',
        b"filename*=''",
    ],
)
@pytest.mark.attack("uploads: wrong bodies, names and sizes")
async def test_a_name_that_cannot_be_read_is_refused(api: Api, disposition: bytes) -> None:
    assert_refused(await uploaded(api, disposition), 400, "file")


@pytest.mark.parametrize("ending", [".ndjson", ".jsonl.gz", ".NDJSON.GZ"])
async def test_json_lines_are_taken_by_every_usual_name(
    api: Api, settings: Settings, ending: str
) -> None:
    content = lines(1000)
    is_packed = ending.lower().endswith(".gz")
    sent = gzip.compress(content[:70]) + gzip.compress(content[70:]) if is_packed else content
    answer = await uploaded(api, b'filename="app%s"' % ending.encode(), sent)
    assert answer.status_code == 202, answer.text
    job = await api.get(answer.headers["location"])
    assert (job["file_name"], job["size"]) == (f"app{ending}", len(content))
    stored = Path(settings.object_store.removeprefix("file:")) / job["id"]
    assert stored.read_bytes() == content


@pytest.mark.attack("bodies in gzip: bombs, broken streams")
async def test_a_packed_file_has_the_limits_of_a_plain_one(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGERFISH_HORIZON_MAX_UPLOAD_BYTES", "1000000")
    await close_all()
    packed = gzip.compress(a_line() + b"\n" + a_line())
    bomb = gzip.compress(a_line() + b"\n") + gzip.compress(bytes(1 << 20), 9) * 5
    for content, status in ((packed[:-5], 400), (a_line(), 400), (bomb, 413)):
        answer = await uploaded(api, b'filename="a.jsonl.gz"', content)
        assert_refused(answer, status, "file" if status == 400 else None)
    assert nothing_is_left(api, settings)


@pytest.mark.attack("uploads: wrong bodies, names and sizes")
async def test_a_boundary_that_is_too_long_is_refused(api: Api) -> None:
    headers = {"content-type": "multipart/form-data; boundary=" + "x" * 300}
    assert_refused(await api.http.post(UPLOAD, content=b"x", headers=headers), 400, "Content-Type")


@pytest.mark.attack("uploads: wrong bodies, names and sizes")
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


@pytest.mark.attack("uploads: wrong bodies, names and sizes")
async def test_a_body_is_one_part_called_file(api: Api, settings: Settings) -> None:
    one = ("a.jsonl", a_line())
    for files, wrong in (
        ([("other", one)], "other"),
        ([("file", one), ("more", one)], "more"),
        ([("file", one), ("file", one)], "file"),
    ):
        assert_refused(await api.http.post(UPLOAD, files=files), 400, wrong)
    assert nothing_is_left(api, settings)


def part(name: bytes = b"a.jsonl", headers: bytes = b"") -> bytes:
    disposition = b'Content-Disposition: form-data; name="file"; filename="%s"\r\n' % name
    return b"--x\r\n" + disposition + headers + b"\r\n"


END = b"\r\n--x--\r\n"
HOSTILE = {
    "NUL in the name": part(b"a\0.jsonl") + a_line() + END,
    "line end in the name": part(b"a\n.jsonl") + a_line() + END,
    "escape sequence in the name": part(b"\x1b[31ma.jsonl") + a_line() + END,
    "text that turns round in the name": part("a\u202elnosj.jsonl".encode()) + a_line() + END,
    "name that is no UTF-8": part(b"\xff.jsonl") + a_line() + END,
    "name of dots": part(b"../..") + a_line() + END,
    "hundreds of headers": part(headers=b"x-a: b\r\n" * 500) + a_line() + END,
    "one long header": part(headers=b"x-a: " + b"b" * 100_000 + b"\r\n") + a_line() + END,
    "thousands of parts": (part() + a_line() + b"\r\n") * 2_000 + b"--x--",
    "thousands of parts before it": b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 2_000,
    "no part": b"--x--\r\n",
    "no boundary": a_line() * 1_000,
    "much before it": b"\r\n" * 500_000 + part() + a_line() + END,
    "much after it": part() + a_line() + END + b"x" * 1_000_000,
    "an archive of nothing": part() + b"PK\x05\x06" + b"\0" * 18 + END,
    "compressed lines": part(b"a.jsonl") + gzip.compress(lines(10_000)) + END,
}  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.attack("uploads: wrong bodies, names and sizes")
async def test_a_body_made_to_do_harm_is_refused_and_leaves_nothing(
    api: Api, settings: Settings, body: bytes
) -> None:
    answer = await api.http.post(UPLOAD, content=body, headers=MULTIPART)
    assert_refused(answer, 400)
    assert nothing_is_left(api, settings)


async def test_a_body_in_gzip_is_taken_with_the_limits_of_a_plain_one(
    api: Api, settings: Settings
) -> None:
    encoded = MULTIPART | {"content-encoding": "gzip"}
    body = gzip.compress(PART + lines(10_000) + END)
    answer = await api.http.post(UPLOAD, content=body, headers=encoded)
    assert answer.status_code == 202
    job = await api.get(f"{JOBS}/{answer.json()['job_id']}")
    assert job["sha256"] == hashlib.sha256(lines(10_000)).hexdigest()


@pytest.mark.attack("bodies in gzip: bombs, broken streams")
async def test_a_bomb_in_gzip_is_refused_and_leaves_nothing(api: Api, settings: Settings) -> None:
    encoded = MULTIPART | {"content-encoding": "gzip"}
    bomb = gzip.compress(PART + a_line() + b"\n" + b" " * 30_000_000)
    assert_refused(await api.http.post(UPLOAD, content=bomb, headers=encoded), 400)
    assert nothing_is_left(api, settings)


@pytest.mark.attack("uploads: wrong bodies, names and sizes")
async def test_another_content_type_is_refused(api: Api) -> None:
    assert_refused(await api.http.post(UPLOAD, json={}), 415)
    headers = {"content-type": "multipart/form-data"}
    assert_refused(await api.http.post(UPLOAD, content=b"x", headers=headers), 415)


@pytest.mark.attack("uploads: wrong bodies, names and sizes")
async def test_a_body_that_breaks_off_leaves_nothing(api: Api, settings: Settings) -> None:
    for body in (PART + a_line() + b"\n", PART + a_line() + b"\r\n--x", PART[:30]):
        answer = await api.http.post(UPLOAD, content=body, headers=MULTIPART)
        assert_refused(answer, 400, "file")
    assert nothing_is_left(api, settings)


@pytest.mark.attack("uploads: wrong bodies, names and sizes")
async def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGERFISH_HORIZON_MAX_UPLOAD_BYTES", "500")
    await close_all()
    assert_refused(await api.http.post(UPLOAD, files={"file": ("a.jsonl", lines(5))}), 413)
    assert_refused(await api.http.post(UPLOAD, files={"file": ("a.jsonl", lines(999))}), 413)
    assert nothing_is_left(api, settings)
    await upload(api, lines(2))


@pytest.mark.attack("uploads: wrong bodies, names and sizes")
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
