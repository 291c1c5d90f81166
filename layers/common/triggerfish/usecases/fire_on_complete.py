"""When an import has ended, fire the API trigger that its upload named: once, whoever crashes."""

import json
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from triggerfish.domain.errors import TooManyRequests, TriggerfishError, TryLater
from triggerfish.domain.idempotency import keyed_request
from triggerfish.domain.job import Job
from triggerfish.domain.timestamps import format_rfc3339
from triggerfish.domain.trigger import Trigger
from triggerfish.usecases.fire_webhook import FireWebhookDeps, fire_webhook


class EndedJobs(Protocol):
    async def unfired(self, job_id: UUID) -> Job | None:
        """An ended job whose trigger is still to be fired."""
        ...

    async def record_fired(
        self, job_id: UUID, *, event_id: UUID | None = None, error: str | None = None
    ) -> None: ...


class TriggerFinder(Protocol):
    async def get(self, project_id: UUID, trigger_id: UUID) -> Trigger | None: ...


@dataclass(frozen=True, slots=True)
class FireOnCompleteDeps:
    jobs: EndedJobs
    triggers: TriggerFinder
    fire: FireWebhookDeps


async def fire_on_complete(job_id: UUID, d: FireOnCompleteDeps) -> None:
    """Fire the trigger of an ended job, if it names one that has not been fired.

    The job's id is the idempotency key, so that a repeat finds the first event. What the trigger
    refuses is noted in the job; what is away for now is left to the sweep.
    """
    job = await d.jobs.unfired(job_id)
    if job is None or job.on_complete is None:
        return
    try:
        event_id = await _fire(job, job.on_complete, d)
    except (TryLater, TooManyRequests):
        return
    except TriggerfishError as refused:
        await d.jobs.record_fired(job_id, error=refused.message)
    else:
        await d.jobs.record_fired(job_id, event_id=event_id)


async def _fire(job: Job, trigger_id: UUID, d: FireOnCompleteDeps) -> UUID:
    trigger = await d.triggers.get(job.project_id, trigger_id)
    if trigger is None or trigger.webhook_token is None:
        raise TriggerfishError("There is no such API trigger any more.")
    body = json.dumps(payload(job)).encode()
    keyed = keyed_request([str(job.id)], body)
    accepted = await fire_webhook(trigger.webhook_token, body, d.fire, request=keyed)
    return accepted.event_id


def payload(job: Job) -> dict[str, Any]:
    """What the trigger is fired with: the same for an ended job whenever it is asked."""
    return {
        "type": f"import.{job.status.value}",
        "job_id": str(job.id),
        "file_name": job.file_name,
        "sha256": job.sha256,
        "accepted": job.accepted,
        "rejected": job.rejected,
        "error": job.error,
        "completed_at": format_rfc3339(job.completed_at) if job.completed_at else None,
    }
