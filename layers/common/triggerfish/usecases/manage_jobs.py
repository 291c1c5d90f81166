"""List, look up and delete import jobs, and read what came of them."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.errors import NotFound, TryLater
from triggerfish.domain.job import FoundLines, Job, LineError, LineFilter, object_key
from triggerfish.domain.log_entry import LogRow
from triggerfish.domain.page import (
    Page,
    Place,
    cut,
    cut_lines,
    decode_cursor,
    decode_line,
    encode_line,
)
from triggerfish.ports import Clock, ObjectStore

DELETED_AT_ONCE = 10_000
# Bounds one call; what is left is the sweep's.
MAX_BATCHES = 200


class JobStore(Protocol):
    async def get(self, project_id: UUID, job_id: UUID) -> Job | None: ...

    async def page(
        self, project_id: UUID, *, status: str | None, before: Place | None, limit: int
    ) -> list[Job]: ...

    async def hide(self, project_id: UUID, job_id: UUID, *, now: datetime) -> bool: ...

    async def delete_entries(self, job_id: UUID, *, limit: int) -> int: ...

    async def delete(self, job_id: UUID) -> None: ...


class LineStore(Protocol):
    async def page(self, job: Job, filter: LineFilter, *, after: int, limit: int) -> FoundLines: ...

    async def errors(self, job_id: UUID, *, after: int, limit: int) -> list[LineError]: ...


@dataclass(frozen=True, slots=True)
class ManageJobsDeps:
    clock: Clock
    jobs: JobStore
    lines: LineStore
    store: ObjectStore


async def list_jobs(
    caller: Principal, d: ManageJobsDeps, *, status: str | None, limit: int, cursor: str | None
) -> Page[Job]:
    """Newest first. Raises InvalidInput for a cursor that is not ours."""
    jobs = await d.jobs.page(
        caller.project_id, status=status, before=decode_cursor(cursor), limit=limit + 1
    )
    return cut([(job.created_at, job.id, job) for job in jobs], limit)


async def get_job(job_id: UUID, caller: Principal, d: ManageJobsDeps) -> Job:
    """Raises NotFound for an unknown job and for another project's alike."""
    job = await d.jobs.get(caller.project_id, job_id)
    if job is None:
        raise NotFound("There is no such job.")
    return job


async def list_entries(
    job_id: UUID,
    filter: LineFilter,
    caller: Principal,
    d: ManageJobsDeps,
    *,
    limit: int,
    cursor: str | None,
) -> Page[LogRow]:
    """The entries read so far, in the order of the file. Raises NotFound and InvalidInput.

    A filtered page looks at so much of the file only: it may be short, or empty, and still have a
    cursor that goes on from there.
    """
    after = decode_line(cursor)
    job = await get_job(job_id, caller, d)
    found = await d.lines.page(job, filter, after=after, limit=limit + 1)
    page = cut_lines(
        [(entry.line_no, entry) for entry in found.rows],
        limit,
        size=lambda entry: len(entry.message.encode()) + len(entry.attributes.encode()),
    )
    if page.next_cursor is None and found.scanned_to is not None:
        return Page(page.items, encode_line(found.scanned_to))
    return page


async def list_errors(
    job_id: UUID, caller: Principal, d: ManageJobsDeps, *, limit: int, cursor: str | None
) -> Page[LineError]:
    """The first bad lines so far, in the order of the file. Raises NotFound and InvalidInput."""
    after = decode_line(cursor)
    await get_job(job_id, caller, d)
    errors = await d.lines.errors(job_id, after=after, limit=limit + 1)
    return cut_lines([(error.line_no, error) for error in errors], limit)


async def delete_job(job_id: UUID, caller: Principal, d: ManageJobsDeps) -> None:
    """Delete a job with its object and entries; one that is being processed stops.

    It is gone for its project at once; what cannot be deleted now, the sweep deletes. Raises
    NotFound.
    """
    if not await d.jobs.hide(caller.project_id, job_id, now=d.clock.now()):
        raise NotFound("There is no such job.")
    with suppress(TryLater):
        await purge_job(job_id, d)


async def purge_job(job_id: UUID, d: ManageJobsDeps) -> None:
    """Delete all there is of a hidden job. Raises TryLater when a store is away."""
    await d.store.delete(object_key(job_id))
    for _ in range(MAX_BATCHES):
        if await d.jobs.delete_entries(job_id, limit=DELETED_AT_ONCE) < DELETED_AT_ONCE:
            await d.jobs.delete(job_id)
            return
