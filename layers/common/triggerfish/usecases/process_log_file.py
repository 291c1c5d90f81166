"""Read an uploaded file line by line: claim, read on from the checkpoint, store batches, end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.domain.errors import TryLater
from triggerfish.domain.job import (
    LONGEST_BATCH,
    MAX_STALLS,
    TRY_AGAIN_AFTER,
    TURN,
    UNSENT_GRACE,
    Batch,
    ClaimedJob,
    JobStatus,
    first_batch,
    object_key,
    percent,
)
from triggerfish.domain.lines import Line, LineReader
from triggerfish.ports import Clock, IdQueue, Ids, ObjectMissing, ObjectStore
from triggerfish.usecases.fire_on_complete import FireOnCompleteDeps, fire_on_complete
from triggerfish.usecases.upload_file import Enqueued, send_jobs

# Deliveries share the loop: after so many lines, or a large one, it is their turn.
LINES_AT_ONCE = 200
LARGE_LINE_BYTES = 16 << 10
WAITING = "The object store is not reachable; the import goes on when it is."


class Progress(Protocol):
    """The rows of a job under way; all but `claim` say whether its lease was still ours."""

    async def claim(self, job_id: UUID, *, lease_id: UUID, now: datetime) -> ClaimedJob | None:
        """Lease a job that waits or whose worker died; None when there is nothing to do."""
        ...

    async def advance(self, job: ClaimedJob, batch: Batch, *, now: datetime) -> bool: ...

    async def end(
        self, job: ClaimedJob, status: JobStatus, *, error: str | None = None, now: datetime
    ) -> bool: ...

    async def give_back(
        self,
        job: ClaimedJob,
        *,
        now: datetime,
        reason: str | None = None,
        again_after: timedelta = UNSENT_GRACE,
    ) -> bool: ...


@dataclass(frozen=True, slots=True)
class ProcessLogFileDeps:
    clock: Clock
    ids: Ids
    progress: Progress
    jobs: Enqueued
    store: ObjectStore
    queue: IdQueue
    completion: FireOnCompleteDeps
    line_delay: timedelta
    """The longest pause before each line; its length is random."""


class LeaseLost(Exception):
    """Somebody else has the job, or it was deleted: whatever we know of it is out of date."""


async def process_log_file(job_id: UUID, d: ProcessLogFileDeps) -> None:
    """Process a job for one turn, from its checkpoint on; send a message if it needs another.

    A job that is done, deleted or leased is left alone, so a message may come twice. What the
    caller did wrong is the job's end, in words; what is away only for now puts it back.
    """
    now = d.clock.now()
    job = await d.progress.claim(job_id, lease_id=d.ids.uuid7(now), now=now)
    if job is None:
        return
    try:
        ended = await _turn(job, d)
    except LeaseLost:
        return
    except TryLater:  # the store; when it is the database, this raises once more
        # It waits in its row: the message may go, the sweep sends another.
        await d.progress.give_back(
            job, now=d.clock.now(), reason=WAITING, again_after=TRY_AGAIN_AFTER
        )
        return
    if ended:
        await fire_on_complete(job.id, d.completion)
    elif await d.progress.give_back(job, now=d.clock.now()):
        await send_jobs([job.id], d.queue, d.jobs, d.clock)


async def _turn(job: ClaimedJob, d: ProcessLogFileDeps) -> bool:
    """Read until the end of the file or of our time; whether the job has ended."""
    if job.stalls > MAX_STALLS:
        reason = f"Processing stopped {MAX_STALLS} times at line {job.next_line}."
        return await _end(job, d, reason)
    try:
        batch = await _read(job, d)
    except ObjectMissing:
        return await _end(job, d, "The uploaded file is no longer in the object store.")
    if batch is None:
        return False
    if batch.next_offset != job.size:
        stands = f"{batch.next_offset} of {job.size} bytes"
        return await _end(job, d, f"The stored file is not what was uploaded: {stands}.")
    return await _end(job, d)


async def _end(job: ClaimedJob, d: ProcessLogFileDeps, error: str | None = None) -> bool:
    status = JobStatus.FAILED if error else JobStatus.COMPLETED
    if not await d.progress.end(job, status, error=error, now=d.clock.now()):
        raise LeaseLost
    return True


async def _read(job: ClaimedJob, d: ProcessLogFileDeps) -> Batch | None:
    """Store all lines from the checkpoint on; the empty batch at the end, None out of time."""
    started = began = d.clock.now()
    batch = first_batch(job)
    step = percent(batch.next_offset, job.size)
    async with aclosing(_lines(job, d.store)) as lines:
        async for line in lines:
            await _pause(line, d)
            batch.add(line)
            reached = percent(batch.next_offset, job.size)
            if not (reached > step or batch.is_full or _is_late(began, d)):
                continue
            batch = await _store(job, batch, d)
            step, began = reached, d.clock.now()
            if began - started >= TURN:
                return None
    return await _store(job, batch, d) if batch.lines else batch


def _is_late(began: datetime, d: ProcessLogFileDeps) -> bool:
    """Whether a batch has waited long enough; without pauses it fills before."""
    return bool(d.line_delay) and d.clock.now() - began >= LONGEST_BATCH


async def _store(job: ClaimedJob, batch: Batch, d: ProcessLogFileDeps) -> Batch:
    """Write a batch; the one that follows."""
    if not await d.progress.advance(job, batch, now=d.clock.now()):
        raise LeaseLost
    return batch.following()


async def _pause(line: Line, d: ProcessLogFileDeps) -> None:
    if d.line_delay:
        await d.clock.sleep_until(d.clock.now() + d.line_delay * d.ids.fraction())
    elif line.number % LINES_AT_ONCE == 0 or len(line.text or b"") > LARGE_LINE_BYTES:
        await asyncio.sleep(0)


async def _lines(job: ClaimedJob, store: ObjectStore) -> AsyncGenerator[Line, None]:
    reader = LineReader(number=job.next_line, offset=job.next_offset)
    async with aclosing(store.read(object_key(job.id), offset=job.next_offset)) as chunks:
        async for chunk in chunks:
            for line in reader.feed(chunk):
                yield line
    for line in reader.finish():
        yield line
