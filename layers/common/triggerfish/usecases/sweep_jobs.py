"""Take up the jobs that nobody looks after: unsent, left by a dead worker, or half deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.ports import Clock, JobQueue
from triggerfish.usecases.manage_jobs import ManageJobsDeps, purge_job
from triggerfish.usecases.upload_file import send_jobs

SWEEP_LIMIT = 100


class Forgotten(Protocol):
    async def take_up(self, *, now: datetime, limit: int) -> tuple[list[UUID], list[UUID]]:
        """What nobody has looked after in time: jobs to send again, and jobs to delete."""
        ...

    async def mark_enqueued(self, ids: Sequence[UUID], *, now: datetime) -> None: ...


class Tickets(Protocol):
    async def delete_expired(self, *, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class SweepJobsDeps:
    clock: Clock
    jobs: Forgotten
    queue: JobQueue
    manage: ManageJobsDeps
    tickets: Tickets


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep did, as its log line says it."""

    sent: int
    deleted: int

    def counts(self) -> dict[str, int]:
        return {"sent": self.sent, "deleted": self.deleted}


async def sweep_jobs(d: SweepJobsDeps) -> SweepReport:
    """Send messages for jobs that wait without one, and end what was to be deleted.

    A job whose lease is over is queued again: nothing stays in processing after its lease.
    """
    waiting, dead = await d.jobs.take_up(now=d.clock.now(), limit=SWEEP_LIMIT)
    sent = await send_jobs(waiting, d.queue, d.jobs, d.clock)
    for job_id in dead:
        await purge_job(job_id, d.manage)
    await d.tickets.delete_expired(now=d.clock.now())
    return SweepReport(len(sent), len(dead))
