"""How nouns look in the API: domain values to JSON-ready dictionaries."""

import json
from typing import Any

import orjson

from triggerfish.domain.event_log import SeenEventLog
from triggerfish.domain.event_summary import EventSummary
from triggerfish.domain.page import Page
from triggerfish.domain.trigger import Trigger, TriggerType


def trigger_view(trigger: Trigger, public_url: str) -> dict[str, Any]:
    """A trigger as customers see it; times are UTC, the payload is what will be delivered."""
    definition = trigger.revision.definition
    view: dict[str, Any] = {
        "id": str(trigger.id),
        "type": definition.type.value,
        "name": definition.name,
        "status": trigger.status.value,
        "revision": trigger.revision.number,
        "endpoint": definition.endpoint.to_json(),
        "retry": definition.retry.to_json(),
        "created_at": trigger.created_at,
        "updated_at": trigger.updated_at,
    }
    if definition.type is TriggerType.SCHEDULED:
        return view | _scheduled_view(trigger)
    return view | {
        "schema": _raw(json.dumps(definition.schema)),  # orjson writes no integer beyond 64 bits
        "webhook_url": f"{public_url.rstrip('/')}/api/v1/webhook/{trigger.webhook_token}",
    }


def _scheduled_view(trigger: Trigger) -> dict[str, Any]:
    definition = trigger.revision.definition
    return {
        "schedule": definition.schedule.to_json() if definition.schedule else None,
        "payload": _raw(definition.payload),
        "catch_up": definition.catch_up.value,
        "catch_up_window_seconds": definition.catch_up_window_seconds,
        "next_fire_at": trigger.next_fire_at,
        "fired_count": trigger.fired_count,
        "skipped_count": trigger.skipped_count,
    }


def created_trigger_view(trigger: Trigger, public_url: str) -> dict[str, Any]:
    """The answer to a creation: the only one that shows the signing secret."""
    return trigger_view(trigger, public_url) | {"signing_secret": trigger.revision.signing_secret}


def event_log_view(seen: SeenEventLog) -> dict[str, Any]:
    """An event log in a list; the payload goes out byte for byte as it came."""
    log = seen.log
    return {
        "id": str(log.id),
        "trigger_id": str(log.trigger_id) if log.trigger_id else None,
        "trigger_type": log.trigger_type,
        "source": log.source,
        "is_test": log.is_test,
        "note": log.note,
        "scheduled_for": log.scheduled_for,
        "fired_at": log.fired_at,
        "payload": _raw(log.payload),
        "status": log.status,
        "attempt_count": log.attempt_count,
        "last_status_code": log.last_status_code,
        "last_error": log.last_error,
        "next_attempt_at": log.next_attempt_at,
        "completed_at": log.completed_at,
        "replay_of": str(log.replay_of) if log.replay_of else None,
        "state": seen.state,
        "archives_at": seen.archives_at,
        "expires_at": seen.expires_at,
    }


def event_log_detail(seen: SeenEventLog) -> dict[str, Any]:
    """One event log with every attempt."""
    return event_log_view(seen) | {"attempts": seen.log.attempts}


def event_summary_view(summary: EventSummary) -> dict[str, Any]:
    """Counts by status in all and of each trigger, the busiest first."""
    return {
        "from": summary.since,
        "to": summary.until,
        "total": sum(summary.counts.values()),
        "counts": summary.counts,
        "data": [
            {
                "trigger_id": str(one.trigger_id) if one.trigger_id else None,
                "trigger_name": one.trigger_name,
                "total": one.total,
                "counts": one.counts,
            }
            for one in summary.triggers
        ],
    }


def page_view(page: Page[Any], view: Any) -> dict[str, Any]:
    return {"data": [view(item) for item in page.items], "next_cursor": page.next_cursor}


def _raw(text: str | None) -> orjson.Fragment | None:
    return None if text is None else orjson.Fragment(text)
