"""The sweep ends what nobody else will: lost messages, dead uploads, unended deletions."""

from pathlib import Path

import psycopg

from tests import functions
from tests.clock import VirtualClock
from tests.integration.horizon.importing import an_import
from tests.integration.imports import lines
from tests.integration.lanes import dsn
from triggerfish.domain.access import Principal
from triggerfish.wiring import Wiring


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
    assert await parts.jobs.begin_upload(
        job_id, caller.project_id, "a.jsonl", imports_per_project=1, now=clock.now()
    )
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


async def test_an_import_is_deleted_with_its_object_when_its_time_is_over(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    one = await an_import(parts, caller, lines(5))
    await one.work()
    folder = Path(parts.settings.object_store.removeprefix("file:"))
    clock.advance(seconds=parts.settings.horizon_kept_seconds - 60)
    await functions.sweep_jobs()
    assert len(await one.entries()) == 5
    clock.advance(seconds=61)
    assert (await functions.sweep_jobs())["deleted"] == 1
    assert await one.entries() == []
    assert [*folder.iterdir()] == []
