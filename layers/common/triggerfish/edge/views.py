"""How nouns look in the API: domain values to JSON-ready dictionaries."""

import json
from typing import Any

import orjson

from triggerfish.domain.event_log import SeenEventLog
from triggerfish.domain.event_summary import EventSummary
from triggerfish.domain.page import Page
from triggerfish.domain.replay import Replay
from triggerfish.domain.schema_warnings import schema_warnings
from triggerfish.domain.trigger import Definition, Trigger, TriggerType
from triggerfish.usecases.replay_events import Replayed
from triggerfish.usecases.run_test import StartedTest


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
        "failing_since": trigger.failing_since,
        "disabled_at": trigger.disabled.at if trigger.disabled else None,
        "disabled_reason": trigger.disabled.reason.value if trigger.disabled else None,
    }
    view |= definition_view(definition)
    if definition.type is TriggerType.SCHEDULED:
        return view | {
            "next_fire_at": trigger.next_fire_at,
            "fired_count": trigger.fired_count,
            "skipped_count": trigger.skipped_count,
        }
    url = f"{public_url.rstrip('/')}/api/v1/webhook/{trigger.webhook_token}"
    return view | {"webhook_url": url}


def definition_view(definition: Definition) -> dict[str, Any]:
    """What only triggers of the definition's type have."""
    if definition.type is TriggerType.API:
        # orjson writes no integer beyond 64 bits
        view: dict[str, Any] = {"schema": _raw(json.dumps(definition.schema))}
        if definition.verification is not None:
            view["verification"] = definition.verification.to_json()
        return view
    return {
        "schedule": definition.schedule.to_json() if definition.schedule else None,
        "payload": _raw(definition.payload),
        "catch_up": definition.catch_up.value,
        "catch_up_window_seconds": definition.catch_up_window_seconds,
        "catch_up_grace_seconds": definition.catch_up_grace_seconds,
    }


def warnings_view(trigger: Trigger) -> dict[str, Any]:
    """What its author may not have meant, for the answers to a creation and to a change."""
    definition = trigger.revision.definition
    if definition.type is not TriggerType.API:
        return {}
    found = schema_warnings(definition.schema)
    return {"warnings": [{"field": one.field, "message": one.message} for one in found]}


def created_trigger_view(trigger: Trigger, public_url: str) -> dict[str, Any]:
    """The answer to a creation, which shows the signing secret; no other does until it rotates."""
    return trigger_view(trigger, public_url) | {"signing_secret": trigger.revision.secrets.present}


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
        "released_at": log.released_at,
        "replay_of": str(log.replay_of) if log.replay_of else None,
        "state": seen.state,
        "archives_at": seen.archives_at,
        "expires_at": seen.expires_at,
    }


def event_log_detail(seen: SeenEventLog) -> dict[str, Any]:
    """One event log with every attempt."""
    # those made before the URL was noted have none
    attempts = [{"url": None, **attempt} for attempt in seen.log.attempts]
    return event_log_view(seen) | {"attempts": attempts}


def started_test_view(test: StartedTest) -> dict[str, Any]:
    """The answer to a test run; of an unsaved definition it shows the signing secret."""
    event = test.event
    view = {
        "event_id": str(event.id),
        "status": "pending",
        "is_test": True,
        "trigger_id": str(test.trigger_id) if test.trigger_id else None,
        "note": event.note,
        "scheduled_for": event.due_at,
    }
    return view if test.signing_secret is None else view | {"signing_secret": test.signing_secret}


def replay_view(replay: Replay) -> dict[str, Any]:
    """The answer to the replay of one event."""
    return _replayed(replay) | {"status": "pending"}


def replayed_view(replayed: Replayed, *, dry_run: bool) -> dict[str, Any]:
    """The answer to a replay by filter; a dry run only counts."""
    view = {"dry_run": dry_run, "count": replayed.count, "next_cursor": replayed.next_cursor}
    return view if dry_run else view | {"replays": [_replayed(one) for one in replayed.replays]}


def _replayed(replay: Replay) -> dict[str, Any]:
    return {"event_id": str(replay.ref.event_id), "replay_of": str(replay.replay_of)}


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
