"""Processing of uploads: exact counts whatever is in the file and whatever breaks meanwhile."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.integration.imports import a_line, lines
from tests.integration.lanes import dsn
from triggerfish.domain.access import Principal
from triggerfish.domain.errors import TryLater
from triggerfish.domain.job import (
    BATCH_LINES,
    LEASE,
    MAX_STALLS,
    Job,
    JobStatus,
    LineFilter,
    first_batch,
)
from triggerfish.domain.lines import Line
from triggerfish.domain.log_entry import LogRow
from triggerfish.ports import ObjectStore
from triggerfish.usecases.manage_jobs import get_job
from triggerfish.usecases.upload_file import upload_file
from triggerfish.wiring import Wiring


class Import:
    """One uploaded file, and what became of it."""

    def __init__(self, parts: Wiring, caller: Principal, job_id: UUID) -> None:
        self.parts, self.caller, self.id = parts, caller, job_id

    async def work(self) -> None:
        await functions.work_imports(self.parts.settings.imports_queue_url)

    async def job(self) -> Job:
        return await get_job(self.id, self.caller, self.parts.manage_jobs)

    async def reasons(self) -> dict[int, str]:
        errors = await self.parts.manage_jobs.lines.errors(self.id, after=0, limit=9999)
        return {error.line_no: error.reason for error in errors}

    async def entries(self) -> list[LogRow]:
        lines = self.parts.manage_jobs.lines
        return await lines.page(self.id, LineFilter(), after=0, limit=99_999)


async def an_import(parts: Wiring, caller: Principal, content: bytes) -> Import:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    job = await upload_file("app.jsonl", chunks(), caller, parts.upload_file)
    return Import(parts, caller, job.id)


def counts(job: Job) -> tuple[str, int, int, int]:
    return job.status.value, job.accepted, job.rejected, job.percent


class BrokenStore:
    """A store whose objects break off after some bytes, as long as it is broken."""

    def __init__(self, store: ObjectStore, after: int, error: BaseException) -> None:
        self._store, self._after, self._error = store, after, error
        self.broken = True

    async def read(self, key: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        left = self._after
        async for chunk in self._store.read(key, offset=offset):
            if not self.broken:
                yield chunk
            elif left:
                yield chunk[:left]
                left = 0
            else:
                break
        if self.broken:
            raise self._error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def break_store(parts: Wiring, after: int, error: BaseException) -> BrokenStore:
    broken = BrokenStore(parts.object_store, after, error)
    parts.__dict__["object_store"] = broken
    parts.__dict__.pop("process_log_file", None)
    return broken


class Killed(BaseException):
    """What ends a worker in the middle of things."""


async def test_every_line_is_stored_or_rejected_with_its_reason(
    parts: Wiring, caller: Principal
) -> None:
    bad = {
        3: b"{not json}",
        5: b'{"level": "INFO"}',
        6: b"",
        8: b"[1, 2]",
        9: a_line(9, level="LOUD"),
    }
    content = b"".join(bad.get(number, a_line(number)) + b"\n" for number in range(1, 11))
    one = await an_import(parts, caller, content)
    await one.work()
    assert counts(await one.job()) == ("completed", 5, 5, 100)
    found = await one.reasons()
    assert sorted(found) == sorted(bad)
    assert "must be JSON" in found[3]
    assert "timestamp: Field required" in found[5]
    assert found[6] == "is empty"
    assert "level: must be one of" in found[9]
    assert [entry.line_no for entry in await one.entries()] == [1, 2, 4, 7, 10]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": "\xff"}', "must be UTF-8"),
        (a_line(message="a\0b"), "U+0000"),
        (b'{"message": "\\ud800"}', "lone surrogate"),
        (a_line().replace(b'"number": 1', b'"number": NaN'), "NaN"),
        (a_line().replace(b'"number": 1', b'"number": 1e999'), "range of a double"),
        (a_line(timestamp=1772452800), "timestamp: must be an RFC 3339 text"),
        (a_line(timestamp="0001-01-01T00:00:00+14:00"), "years 1 to 9999"),
        (a_line(message=""), "message"),
        (a_line(message="x" * (10 << 20)), "longer than 1048576 bytes"),
        (b"[" * 100_000, "nested"),
    ],
    ids=["UTF-8", "NUL", "surrogate", "NaN", "1e999", "epoch", "year 1", "empty", "10 MB", "deep"],
)
async def test_a_line_that_cannot_be_stored_is_rejected_and_the_next_ones_are_not(
    parts: Wiring, caller: Principal, line: bytes, reason: str
) -> None:
    one = await an_import(parts, caller, a_line(1) + b"\n" + line + b"\n" + a_line(3))
    await one.work()
    assert counts(await one.job()) == ("completed", 2, 1, 100)
    assert reason in (await one.reasons())[2]


@pytest.mark.parametrize(
    "content",
    [
        a_line(1) + b"\n" + a_line(2) + b"\n",
        a_line(1) + b"\n" + a_line(2),
        a_line(1) + b"\r\n" + a_line(2) + b"\r\n",
        b"\xef\xbb\xbf" + a_line(1) + b"\n" + a_line(2),
    ],
    ids=["LF", "no final newline", "CRLF", "BOM"],
)
async def test_ends_of_lines_and_a_byte_order_mark_are_no_part_of_them(
    parts: Wiring, caller: Principal, content: bytes
) -> None:
    one = await an_import(parts, caller, content)
    await one.work()
    assert counts(await one.job()) == ("completed", 2, 0, 100)
    assert [entry.message for entry in await one.entries()] == [
        "request 1 done",
        "request 2 done",
    ]


async def test_unknown_fields_and_odd_values_are_kept_as_attributes(
    parts: Wiring, caller: Principal
) -> None:
    huge = 10**40
    line = a_line(1, source="pod-7", trace="abc", attributes={"huge": huge, "ü": "\\\t\n"})
    one = await an_import(parts, caller, line)
    await one.work()
    [entry] = await one.entries()
    expected = {"source": "pod-7", "trace": "abc", "huge": huge, "ü": "\\\t\n"}
    assert json.loads(entry.attributes) == expected


async def test_the_first_thousand_bad_lines_are_kept_and_all_are_counted(
    parts: Wiring, caller: Principal
) -> None:
    one = await an_import(parts, caller, a_line() + b"\n" + b"bad\n" * 1500)
    await one.work()
    assert counts(await one.job()) == ("completed", 1, 1500, 100)
    assert list(await one.reasons()) == list(range(2, 1002))


async def test_a_worker_that_is_killed_loses_and_doubles_no_line(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    total = 3 * BATCH_LINES
    one = await an_import(parts, caller, lines(total))
    store = break_store(parts, (await one.job()).size // 2, Killed())
    records = functions.messages(parts.settings.imports_queue_url)
    with pytest.raises(Killed):
        await functions.process(records)
    half = await one.job()
    assert half.status == "processing"
    assert 0 < half.accepted < total
    assert len(await one.entries()) == half.accepted
    await functions.process(records)  # the message comes again while the lease holds
    assert await one.job() == half
    store.broken = False
    clock.advance(seconds=LEASE.total_seconds())
    assert await functions.sweep_jobs() == {"sent": 1, "deleted": 0, "fired": 0}
    await one.work()
    assert counts(await one.job()) == ("completed", total, 0, 100)
    assert [entry.line_no for entry in await one.entries()] == list(range(1, total + 1))


async def test_a_worker_whose_lease_was_taken_writes_nothing_more(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    one = await an_import(parts, caller, lines(50))
    d = parts.process_log_file
    first = await d.progress.claim(one.id, lease_id=UUID(int=1), now=clock.now())
    assert first is not None
    clock.advance(seconds=LEASE.total_seconds())
    await one.work()
    done = await one.job()
    batch = first_batch(first)
    batch.add(Line(1, a_line(), 10))
    assert not await d.progress.advance(first, batch, now=clock.now())
    assert not await d.progress.end(first, JobStatus.FAILED, error="late", now=clock.now())
    assert await one.job() == done
    assert counts(done) == ("completed", 50, 0, 100)


async def test_a_store_that_is_away_puts_the_job_back_until_it_returns(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    one = await an_import(parts, caller, lines(500))
    store = break_store(parts, 20_000, TryLater("The object store is not reachable."))
    await one.work()
    waiting = await one.job()
    assert waiting.status == "queued"
    assert "object store is not reachable" in str(waiting.error)
    store.broken = False
    clock.advance(seconds=6)
    assert (await functions.sweep_jobs())["sent"] == 1
    await one.work()
    done = await one.job()
    assert counts(done) == ("completed", 500, 0, 100)
    assert done.error is None


async def test_a_file_that_is_gone_from_the_store_fails_the_job(
    parts: Wiring, caller: Principal
) -> None:
    one = await an_import(parts, caller, lines(5))
    await parts.object_store.delete(str(one.id))
    await one.work()
    job = await one.job()
    assert job.status == "failed"
    assert job.error == "The uploaded file is no longer in the object store."
    assert job.completed_at is not None


async def test_a_file_that_is_not_what_was_uploaded_fails_the_job(
    parts: Wiring, caller: Principal
) -> None:
    one = await an_import(parts, caller, lines(5))
    folder = Path(parts.settings.object_store.removeprefix("file:"))
    (folder / str(one.id)).write_bytes(lines(3))
    await one.work()
    job = await one.job()
    assert job.status == "failed"
    assert "not what was uploaded" in str(job.error)


async def test_what_kills_every_worker_ends_as_a_failure(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    one = await an_import(parts, caller, lines(5))
    break_store(parts, 0, Killed())
    for _ in range(MAX_STALLS):
        with pytest.raises(Killed):
            await functions.process(functions.messages(parts.settings.imports_queue_url))
        clock.advance(seconds=LEASE.total_seconds())
        await functions.sweep_jobs()
    await one.work()
    job = await one.job()
    assert job.status == "failed"
    assert "stopped 5 times at line 1" in str(job.error)


async def test_a_database_that_is_away_puts_the_message_back(
    parts: Wiring, caller: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await an_import(parts, caller, lines(5))
    [record] = functions.messages(parts.settings.imports_queue_url)

    async def away(*_: Any, **__: Any) -> None:
        raise TryLater("The database is not reachable.")

    with monkeypatch.context() as patch:
        patch.setattr(type(parts.process_log_file.progress), "claim", away)
        assert await functions.process([record]) == [record["messageId"]]
    assert await functions.process([record]) == []
    assert counts(await one.job()) == ("completed", 5, 0, 100)


async def test_a_long_file_goes_on_in_another_turn(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    one = await an_import(parts, caller, lines(40))
    slow = replace(parts.process_log_file, line_delay=timedelta(seconds=2))
    parts.__dict__["process_log_file"] = slow
    began, turns = clock.now(), 0
    while records := functions.messages(parts.settings.imports_queue_url):
        turns += 1
        assert await functions.process(records) == []
    assert turns > 1
    assert counts(await one.job()) == ("completed", 40, 0, 100)
    assert timedelta(seconds=5) < clock.now() - began < timedelta(seconds=80)


async def test_progress_is_written_at_every_percent_of_a_small_file(
    parts: Wiring, caller: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await an_import(parts, caller, lines(10))
    progress = parts.process_log_file.progress
    seen: list[int] = []
    advance = type(progress).advance

    async def watched(self: Any, *arguments: Any, **named: Any) -> bool:
        done = await advance(self, *arguments, **named)
        seen.append((await one.job()).percent)
        return done

    monkeypatch.setattr(type(progress), "advance", watched)
    await one.work()
    assert len(seen) == 10
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (9, 99)


async def test_a_queue_that_lost_the_message_costs_time_only(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    one = await an_import(parts, caller, lines(5))
    functions.messages(parts.settings.imports_queue_url)
    assert await functions.sweep_jobs() == {"sent": 0, "deleted": 0, "fired": 0}
    clock.advance(seconds=61)
    assert await functions.sweep_jobs() == {"sent": 1, "deleted": 0, "fired": 0}
    await one.work()
    assert (await one.job()).status == "completed"


async def test_an_upload_that_a_dead_process_left_is_deleted(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    job_id = parts.ids.uuid7(clock.now())
    await parts.jobs.begin_upload(job_id, caller.project_id, "a.jsonl", now=clock.now())
    async with parts.object_store.create(str(job_id)) as write:
        await write(lines(1))
    assert await functions.sweep_jobs() == {"sent": 0, "deleted": 0, "fired": 0}
    clock.advance(hours=6)
    assert await functions.sweep_jobs() == {"sent": 0, "deleted": 1, "fired": 0}
    folder = Path(parts.settings.object_store.removeprefix("file:"))
    assert [*folder.iterdir()] == []
    with psycopg.connect(dsn(parts.settings.database_url)) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
    assert await parts.jobs.queue(job_id, size=1, sha256="", now=clock.now()) is None


async def test_a_deletion_that_could_not_end_is_ended_by_the_sweep(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    one = await an_import(parts, caller, lines(5))
    await one.work()
    assert await parts.jobs.hide(caller.project_id, one.id, now=clock.now())
    clock.advance(seconds=61)
    assert await functions.sweep_jobs() == {"sent": 0, "deleted": 1, "fired": 0}
    assert await one.entries() == []
    assert await one.reasons() == {}
