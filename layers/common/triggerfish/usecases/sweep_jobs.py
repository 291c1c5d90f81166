"""Take up the jobs that nobody looks after: unsent, not fired, half deleted, or a dead worker's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.domain.job import FINAL, JobStatus
from triggerfish.ports import Clock, IdQueue
from triggerfish.usecases.fire_on_complete import FireOnCompleteDeps, fire_on_complete
from triggerfish.usecases.manage_jobs import ManageJobsDeps, purge_job
from triggerfish.usecases.upload_file import send_jobs

SWEEP_LIMIT = 100


class Forgotten(Protocol):
    async def take_up(self, *, now: datetime, limit: int) -> dict[JobStatus, list[UUID]]:
        """What nobody has looked after in time, by the status it has now."""
        ...

    async def expire(self, *, completed_until: datetime, now: datetime, limit: int) -> int:
        """Begin to delete imports that ended by then."""
        ...

    async def mark_enqueued(self, ids: Sequence[UUID], *, now: datetime) -> None: ...


class Tickets(Protocol):
    async def delete_expired(self, *, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class SweepJobsDeps:
    clock: Clock
    jobs: Forgotten
    queue: IdQueue
    manage: ManageJobsDeps
    tickets: Tickets
    completion: FireOnCompleteDeps
    kept: timedelta


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep did, as its log line says it."""

    sent: int
    deleted: int
    fired: int

    def counts(self) -> dict[str, int]:
        return {"sent": self.sent, "deleted": self.deleted, "fired": self.fired}


async def sweep_jobs(d: SweepJobsDeps) -> SweepReport:
    """Send messages for jobs that wait without one; fire and delete what was to be.

    Imports whose time is over are deleted, with their objects. A job whose lease is over is queued
    again: nothing stays in processing after its lease.
    """
    now = d.clock.now()
    await d.jobs.expire(completed_until=now - d.kept, now=now, limit=SWEEP_LIMIT)
    found = await d.jobs.take_up(now=d.clock.now(), limit=SWEEP_LIMIT)
    sent = await send_jobs(found.get(JobStatus.QUEUED, []), d.queue, d.jobs, d.clock)
    ended = [id for status in FINAL for id in found.get(status, [])]
    for job_id in ended:
        await fire_on_complete(job_id, d.completion)
    dead = found.get(JobStatus.DELETING, [])
    for job_id in dead:
        await purge_job(job_id, d.manage)
    await d.tickets.delete_expired(now=d.clock.now())
    return SweepReport(len(sent), len(dead), len(ended))
