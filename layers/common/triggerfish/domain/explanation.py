"""Why a trigger fired, or did not: what is known of it, in one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from triggerfish.domain.event_log import EventLog
from triggerfish.domain.observation import Heartbeat
from triggerfish.domain.timestamps import format_rfc3339
from triggerfish.domain.trigger import DisabledReason, Trigger, TriggerStatus, TriggerType

FAILURES = {
    "timeout": "the endpoint did not answer in time",
    "connection_refused": "the endpoint refused the connection",
    "connection_reset": "the endpoint closed the connection",
    "dns_error": "the name of the endpoint could not be resolved",
    "tls_error": "the TLS connection to the endpoint failed",
    "protocol_error": "the answer of the endpoint was not valid HTTP",
    "destination_blocked": "the address of the endpoint is not allowed",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a trigger at `now`; events are newest first and within their retention."""

    trigger: Trigger
    now: datetime
    tick: Heartbeat | None
    tick_patience: timedelta
    last_event: EventLog | None
    failures: Sequence[EventLog]


def explain(evidence: Evidence) -> str:
    """One plain sentence."""
    trigger, last = evidence.trigger, evidence.last_event
    match trigger.status:
        case TriggerStatus.PAUSED:
            said = "The trigger is paused: it does not fire until it is resumed"
        case TriggerStatus.DISABLED:
            said = _disabled(trigger)
        case TriggerStatus.COMPLETED:
            said = "The trigger is completed: its schedule has nothing left to fire"
        case TriggerStatus.ACTIVE:
            said = _active(evidence)
    return f"{said}; {_last(trigger, last)}{_failing(trigger)}{_skipped(trigger)}."


def failure_words(log: EventLog) -> str:
    """Why the event's last attempt failed."""
    kind, _, detail = (log.last_error or "").partition(": ")
    if kind.startswith("http_"):
        return f"the endpoint answered {kind.removeprefix('http_')}"
    return FAILURES.get(kind, detail or kind or "the reason is not known")


def _active(evidence: Evidence) -> str:
    trigger, now = evidence.trigger, evidence.now
    if trigger.revision.definition.type is TriggerType.API:
        return "The trigger is active and fires when its webhook URL is called"
    due = trigger.next_fire_at
    if due is None:
        return "The trigger is active"
    at = format_rfc3339(due)
    if due > now:
        return f"The trigger is active and fires next at {at}"
    if evidence.tick is None:
        return f"The trigger is due since {at} but the tick that fires it has not run yet"
    ran_at = evidence.tick.last_run_at
    if now - ran_at > evidence.tick_patience:
        ran = format_rfc3339(ran_at)
        return f"The trigger is due since {at} but the tick that fires it has not run since {ran}"
    return f"The trigger is due since {at} and the next tick fires it"


def _disabled(trigger: Trigger) -> str:
    why = "its endpoint answered 410"
    if trigger.disabled is not None and trigger.disabled.reason is DisabledReason.FAILING:
        since = trigger.failing_since
        why = "every delivery failed" + (f" since {format_rfc3339(since)}" if since else "")
    return f"The trigger is disabled because {why}: its events are held until it is resumed"


def _last(trigger: Trigger, last: EventLog | None) -> str:
    if last is None:
        called = trigger.revision.definition.type is TriggerType.API
        return "nobody has called it lately" if called else "it has not fired lately"
    return f"it last fired at {format_rfc3339(last.fired_at)}{_late(last)} and {_outcome(last)}"


def _late(last: EventLog) -> str:
    late = (last.fired_at - last.scheduled_for).total_seconds()
    return f", {late:.0f} s late to make up for a missed time," if late >= 1 else ""


def _outcome(last: EventLog) -> str:
    if last.status == "success":
        return f"the endpoint answered {last.last_status_code}"
    if last.status == "failure":
        return f"the delivery failed for good after attempt {last.attempt_count}: " + failure_words(
            last
        )
    if last.last_error is not None and last.next_attempt_at is not None:
        again = format_rfc3339(last.next_attempt_at)
        return f"its delivery is tried again at {again}, since {failure_words(last)}"
    return "is held until it is released" if last.status == "held" else "is being delivered"


def _failing(trigger: Trigger) -> str:
    if trigger.status is not TriggerStatus.ACTIVE or trigger.failing_since is None:
        return ""
    return f"; nothing but failures came since {format_rfc3339(trigger.failing_since)}"


def _skipped(trigger: Trigger) -> str:
    if trigger.skipped_count == 0:
        return ""
    policy = trigger.revision.definition.catch_up.value
    count = trigger.skipped_count
    return f'; {count} missed times were skipped by its catch-up policy "{policy}"'
