"""How imports look in the API: jobs, the entries they read, the lines they could not."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson

from triggerfish.domain.errors import TryLater
from triggerfish.domain.job import Job, LineError
from triggerfish.domain.log_entry import LogRow
from triggerfish.usecases.watch_job import Ticket


def job_view(job: Job) -> dict[str, Any]:
    return {
        "id": str(job.id),
        "status": job.status.value,
        "error": job.error,
        "file_name": job.file_name,
        "size": job.size,
        "sha256": job.sha256,
        "percent": job.percent,
        "lines": {
            "total": job.accepted + job.rejected,
            "accepted": job.accepted,
            "rejected": job.rejected,
        },
        "on_complete": _on_complete(job),
        "created_at": job.created_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
    }


def _on_complete(job: Job) -> dict[str, Any] | None:
    """The trigger that the job's end fires, and what came of that."""
    if job.on_complete is None:
        return None
    event_id = job.on_complete_event_id
    return {
        "trigger_id": str(job.on_complete),
        "event_id": str(event_id) if event_id else None,
        "error": job.on_complete_error,
    }


def queued_view(job: Job) -> dict[str, Any]:
    """The answer to an upload."""
    return {"job_id": str(job.id), "status": job.status.value}


def entry_view(entry: LogRow) -> dict[str, Any]:
    return {
        "line": entry.line_no,
        "timestamp": entry.timestamp,
        "level": entry.level,
        "service": entry.service,
        "message": entry.message,
        "attributes": orjson.Fragment(entry.attributes),
    }


def line_error_view(error: LineError) -> dict[str, Any]:
    return {"line": error.line_no, "reason": error.reason}


def job_text(job: Job) -> str:
    """A job as JSON text, for streams."""
    return orjson.dumps(job_view(job), option=orjson.OPT_UTC_Z).decode()


async def job_texts(
    jobs: AsyncGenerator[Job, None], *, only_now: bool
) -> AsyncGenerator[str, None]:
    """Each state as text; only the present one where the answer is gathered before it is sent.

    Raises TryLater where there may be more to see later.
    """
    async with aclosing(jobs):
        async for job in jobs:
            yield job_text(job)
            if only_now and not job.is_final:
                raise TryLater("The job goes on; ask again.")


def ticket_view(ticket: Ticket) -> dict[str, Any]:
    """The answer to a request for a ticket: the only one that shows it."""
    return {"ticket": ticket.token, "expires_at": ticket.expires_at}
