"""Imports are exact whatever breaks meanwhile: workers, the store, the database, the file itself."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.integration.horizon.importing import Killed, an_import, break_store, counts
from tests.integration.imports import a_line, lines
from triggerfish.domain.access import Principal
from triggerfish.domain.errors import TryLater
from triggerfish.domain.job import (
    BATCH_LINES,
    LEASE,
    MAX_STALLS,
    JobStatus,
    first_batch,
)
from triggerfish.domain.lines import Line
from triggerfish.wiring import Wiring


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
