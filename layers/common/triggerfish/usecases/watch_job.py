"""Watch a job as it goes: its state now, and again whenever it has changed, until it has ended."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal, hash_secret
from triggerfish.domain.errors import Forbidden, NotFound, TryLater, Unauthorised
from triggerfish.domain.job import Job
from triggerfish.ports import Clock, Ids

TICKET_LIFE = timedelta(seconds=60)
SCOPE = "jobs:read"


class JobReader(Protocol):
    async def get(self, project_id: UUID, job_id: UUID) -> Job | None: ...


class Changes(Protocol):
    def watch(
        self, job_id: UUID
    ) -> AbstractAsyncContextManager[Callable[[timedelta], Awaitable[None]]]:
        """Gives a function that waits until the job may have changed, at most so long."""
        ...


class Tickets(Protocol):
    async def issue(
        self, token_hash: bytes, *, project_id: UUID, job_id: UUID, expires_at: datetime
    ) -> None: ...

    async def redeem(self, token_hash: bytes, job_id: UUID, *, now: datetime) -> UUID | None:
        """The project that the ticket speaks for, this once; None when it does not, or no more."""
        ...


@dataclass(frozen=True, slots=True)
class WatchJobDeps:
    clock: Clock
    ids: Ids
    jobs: JobReader
    changes: Changes
    tickets: Tickets
    longest: timedelta
    """How long one watches at most; then a key, which may be revoked by now, has to be shown."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What watches one job once, until it expires."""

    token: str
    expires_at: datetime


async def watch_job(job_id: UUID, project_id: UUID, d: WatchJobDeps) -> AsyncGenerator[Job, None]:
    """The job now, and when it may have changed (some seconds at most apart); ends after its end.

    A burst of changes is seen as one. Raises NotFound for a job that is not there at first; one
    that is deleted meanwhile is the end. A database that goes away meanwhile is waited for. Raises
    TryLater when it has gone on for `d.longest`.
    """
    end = d.clock.now() + d.longest
    async with d.changes.watch(job_id) as changed:
        job = await d.jobs.get(project_id, job_id)
        if job is None:
            raise NotFound("There is no such job.")
        yield job
        while not job.is_final:
            left = end - d.clock.now()
            if left <= timedelta():
                raise TryLater("The job was watched for long enough; connect again.")
            await changed(left)
            try:
                now = await d.jobs.get(project_id, job_id)
            except TryLater:
                continue
            if now is None:
                return
            job = now
            yield job


async def issue_ticket(job_id: UUID, caller: Principal, d: WatchJobDeps) -> Ticket:
    """Let whoever holds the ticket watch the job, once, within a minute. Raises NotFound."""
    if await d.jobs.get(caller.project_id, job_id) is None:
        raise NotFound("There is no such job.")
    ticket = Ticket(d.ids.token(), d.clock.now() + TICKET_LIFE)
    await d.tickets.issue(
        hash_secret(ticket.token),
        project_id=caller.project_id,
        job_id=job_id,
        expires_at=ticket.expires_at,
    )
    return ticket


async def redeem_ticket(token: str, job_id: UUID, d: WatchJobDeps) -> UUID:
    """The project that a ticket speaks for; it is used up. Raises Unauthorised."""
    project_id = await d.tickets.redeem(hash_secret(token), job_id, now=d.clock.now())
    if project_id is None:
        raise Unauthorised("The ticket is not valid, or was used.")
    return project_id


async def project_of_key(
    key: str, authenticate: Callable[[str], Awaitable[Principal | None]]
) -> UUID:
    """The project for which a key may watch. Raises Unauthorised and Forbidden."""
    caller = await authenticate(key)
    if caller is None:
        raise Unauthorised("The API key is not valid.")
    if SCOPE not in caller.scopes:
        raise Forbidden(f"The API key needs the scope {SCOPE}.")
    return caller.project_id
