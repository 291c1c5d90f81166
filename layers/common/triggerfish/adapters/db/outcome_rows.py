"""Outcomes as the rows that the outcome statement unfolds; see `deliveries.py`."""

from typing import Any

from triggerfish.domain.delivery import Ending, Held, Outcome, Returned, Status

RETURNED = "returned"
"""Not a status: the event is pending again, as if it had not been claimed."""


def outcome_row(outcome: Ending) -> dict[str, Any]:
    """What an attempt came to; of an event that was not attempted only what it becomes."""
    if not isinstance(outcome, Outcome):
        event = outcome.event
        return {
            "id": event.id,
            "attempt": event.attempt,
            "status": Status.HELD.value if isinstance(outcome, Held) else RETURNED,
            "retry_at": outcome.at if isinstance(outcome, Returned) else None,
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
