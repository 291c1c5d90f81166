"""How what is known of a trigger looks in the API: history, fires to come, explanations."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import Request

from triggerfish.domain.errors import TriggerfishError
from triggerfish.domain.event_log import EventLog
from triggerfish.domain.explanation import Evidence, explain, failure_words
from triggerfish.domain.operational_event import OperationalEvent
from triggerfish.domain.trigger import Revision, Trigger, TriggerType
from triggerfish.domain.upcoming import Upcoming
from triggerfish.domain.webhook_url import RotatedUrl
from triggerfish.edge.errors import of_error
from triggerfish.edge.etag import unless_stale, version_of
from triggerfish.edge.views import (
    created_trigger_view,
    definition_view,
    trigger_view,
    warnings_view,
)


def created_triggers_view(
    results: Sequence[Trigger | TriggerfishError], public_url: str, *, request_id: str
) -> dict[str, Any]:
    """The answer to a batch: for each definition its trigger, or the error it would get alone."""
    views = [
        of_error(one, request_id)[1]
        if isinstance(one, TriggerfishError)
        else {"trigger": created_trigger_view(one, public_url) | warnings_view(one)}
        for one in results
    ]
    refused = sum("error" in view for view in views)
    return {"created": len(views) - refused, "refused": refused, "results": views}


def rotated_view(rotated: RotatedUrl, public_url: str) -> dict[str, Any]:
    """The answer to a rotation: the trigger with its new URL, and how long the old one works."""
    until = {"previous_url_valid_until": rotated.previous_valid_until}
    return trigger_view(rotated.trigger, public_url) | until


def new_secret_view(trigger: Trigger, public_url: str) -> dict[str, Any]:
    """The answer to a rotation: the only one that shows the new secret."""
    return created_trigger_view(trigger, public_url) | {
        "previous_secret_valid_until": trigger.revision.secrets.previous_until
    }


def revision_view(revision: Revision) -> dict[str, Any]:
    """One version of a definition; `created_by` is the id of the key that made it."""
    return {
        "revision": revision.number,
        "created_at": revision.created_at,
        "created_by": revision.created_by,
        "type": revision.definition.type.value,
        "name": revision.definition.name,
        "endpoint": revision.definition.endpoint.to_json(),
        "retry": revision.definition.retry.to_json(),
    } | definition_view(revision.definition)


def fires_view(coming: Upcoming) -> dict[str, Any]:
    """Fires to come: the instant in UTC, and what the clock shows in the schedule's zone."""
    return {
        "data": [
            {
                "at": fire.at,
                "local": fire.local.isoformat(),
                "timezone": fire.timezone,
                "dst": fire.dst,
            }
            for fire in coming.fires
        ],
        "day_rule": coming.day_rule,
    }


def operational_event_view(event: OperationalEvent) -> dict[str, Any]:
    """What happened to a trigger by itself; `type` leaves room for other things to happen."""
    return {
        "type": "trigger.disabled",
        "at": event.at,
        "trigger_id": str(event.trigger_id),
        "trigger_name": event.trigger_name,
        "reason": event.reason,
        "failing_since": event.failing_since,
    }


def explanation_view(evidence: Evidence) -> dict[str, Any]:
    """Why a trigger fired or did not, with what the sentence was made of."""
    trigger, last, tick = evidence.trigger, evidence.last_event, evidence.tick
    view = {
        "trigger_id": str(trigger.id),
        "status": trigger.status.value,
        "explanation": explain(evidence),
        "last_event": _event(last) if last else None,
        "last_tick_at": tick.last_run_at if tick else None,
        "last_failures": [
            _event(log) | {"reason": failure_words(log)} for log in evidence.failures
        ],
    }
    if trigger.revision.definition.type is TriggerType.API:
        return view
    return view | {
        "next_fire_at": trigger.next_fire_at,
        "fired_count": trigger.fired_count,
        "skipped_count": trigger.skipped_count,
    }


def _event(log: EventLog) -> dict[str, Any]:
    return {
        "id": str(log.id),
        "source": log.source,
        "scheduled_for": log.scheduled_for,
        "fired_at": log.fired_at,
        "status": log.status,
        "attempt_count": log.attempt_count,
        "last_error": log.last_error,
    }


def trigger_version(trigger: Trigger) -> str:
    """Of what its owner changes: not of its counters and next times."""
    return version_of(trigger.revision.number, trigger.updated_at)


def trigger_check(request: Request) -> Callable[[Trigger], None]:
    """Raises Stale for a trigger that is not as `If-Match` names it."""
    check = unless_stale(request)
    return lambda trigger: check(trigger_version(trigger))
