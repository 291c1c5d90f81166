"""Take a file in: stream it to the object store, and only when it is whole and queued say yes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.errors import Conflict, FieldError, InvalidInput, TryLater
from triggerfish.domain.gzip_stream import GzipError, Inflater
from triggerfish.domain.job import Job, object_key
from triggerfish.domain.trigger import Trigger
from triggerfish.domain.upload import UploadCheck, check_name, is_compressed, refuse
from triggerfish.ports import Clock, IdQueue, Ids, ObjectStore, Room


class Uploads(Protocol):
    async def begin_upload(
        self,
        job_id: UUID,
        project_id: UUID,
        file_name: str,
        *,
        on_complete: UUID | None = None,
        imports_per_project: int,
        now: datetime,
    ) -> bool:
        """False, and nothing is noted, when the project has as many imports as it may."""
        ...

    async def queue(self, job_id: UUID, *, size: int, sha256: str, now: datetime) -> Job | None:
        """The job, whose object is whole now; None when the upload took too long."""
        ...

    async def abandon(self, job_id: UUID, *, now: datetime) -> None: ...

    async def delete(self, job_id: UUID) -> None: ...

    async def mark_enqueued(self, ids: Sequence[UUID], *, now: datetime) -> None: ...


class TriggerFinder(Protocol):
    async def get(self, project_id: UUID, trigger_id: UUID) -> Trigger | None: ...


@dataclass(frozen=True, slots=True)
class UploadFileDeps:
    clock: Clock
    ids: Ids
    jobs: Uploads
    store: ObjectStore
    queue: IdQueue
    triggers: TriggerFinder
    max_bytes: int
    imports_per_project: int
    room: Room


async def upload_file(
    name: str,
    chunks: AsyncIterator[bytes],
    caller: Principal,
    d: UploadFileDeps,
    *,
    on_complete: UUID | None = None,
) -> Job:
    """Store the file and queue its job; `on_complete` is an API trigger that its end fires.

    Raises InvalidInput, TooLarge, TryLater and Conflict, and whatever `chunks` raises; then neither
    an object nor a job is left. The row is written first, so that what a dying process leaves of an
    upload is found by the sweep.
    """
    file_name = check_name(name)
    await _check_trigger(on_complete, caller, d)
    job_id = d.ids.uuid7(d.clock.now())
    d.room.take(caller.project_id)
    if not await d.jobs.begin_upload(
        job_id,
        caller.project_id,
        file_name,
        on_complete=on_complete,
        imports_per_project=d.imports_per_project,
        now=d.clock.now(),
    ):
        raise Conflict(
            f"The project has {d.imports_per_project} imports, as many as it may have; delete one."
        )
    try:
        content = _inflated(chunks) if is_compressed(file_name) else chunks
        job = await _store(job_id, content, d)
    except BaseException:
        with suppress(TryLater):  # the sweep has it then
            await d.jobs.abandon(job_id, now=d.clock.now())
            # It may be whole, if only the store's answer was lost.
            await d.store.delete(object_key(job_id))
            await d.jobs.delete(job_id)
        raise
    await send_jobs([job.id], d.queue, d.jobs, d.clock)
    return job


async def _check_trigger(on_complete: UUID | None, caller: Principal, d: UploadFileDeps) -> None:
    if on_complete is None:
        return
    trigger = await d.triggers.get(caller.project_id, on_complete)
    if trigger is None or trigger.webhook_token is None:
        message = "must be the id of an API trigger of this project"
        raise InvalidInput("The query is not valid.", (FieldError("on_complete", message),))


async def _inflated(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    inflater = Inflater()
    try:
        async for chunk in chunks:
            for piece in inflater.pieces(chunk):
                yield piece
        inflater.finish()
    except GzipError as error:
        raise refuse(str(error)) from error


async def _store(job_id: UUID, chunks: AsyncIterator[bytes], d: UploadFileDeps) -> Job:
    check = UploadCheck(max_bytes=d.max_bytes)
    async with d.store.create(object_key(job_id)) as write:
        async for chunk in chunks:
            check.feed(chunk)
            await write(chunk)
        check.finish()
    job = await d.jobs.queue(job_id, size=check.size, sha256=check.sha256, now=d.clock.now())
    if job is None:
        raise TryLater("The upload took too long; send the file again.")
    return job


class Enqueued(Protocol):
    async def mark_enqueued(self, ids: Sequence[UUID], *, now: datetime) -> None: ...


async def send_jobs(
    ids: Sequence[UUID], queue: IdQueue, jobs: Enqueued, clock: Clock
) -> list[UUID]:
    """Send a message for each committed job; those taken. What was not is left to the sweep."""
    sent = await queue.send(ids)
    if sent:
        with suppress(TryLater):  # unmarked, they are sent again, and claimed once
            await jobs.mark_enqueued(sent, now=clock.now())
    return sent
