"""Outcomes as the rows that the outcome statement unfolds; see `deliveries.py`."""

from typing import Any

from triggerfish.domain.delivery import Ending, Held, Status


def outcome_row(outcome: Ending) -> dict[str, Any]:
    """What an attempt came to; of a held event only that it is to be held."""
    if isinstance(outcome, Held):
        event = outcome.event
        return {
            "id": event.id,
            "attempt": event.attempt,
            "status": Status.HELD.value,
            "trigger_id": event.trigger_id,
        }
    attempt = outcome.attempt
    return {
        "id": outcome.event.id,
        "attempt": attempt.number,
        "status": outcome.status.value,
        "retry_at": outcome.retry_at,
        "enqueued_at": outcome.enqueued_at,
        "ended_at": outcome.ended_at,
        "entry": attempt.to_json(),
        "status_code": attempt.status_code,
        "error": attempt.error,
        "duration_ms": round(attempt.duration.total_seconds() * 1000),
        "lateness_ms": outcome.lateness_ms,
        "is_gone": outcome.disable_trigger,
    }
