"""Triggers that were disabled: when and why, and what was held meanwhile."""

from triggerfish.domain.operational_event import KEPT
from triggerfish.domain.trigger import DisabledReason
from triggerfish.edge.openapi.event_log import TRIGGER_ID
from triggerfish.edge.openapi.operation import Answer, Refusal, operation
from triggerfish.edge.openapi.schema import (
    COUNT,
    ID,
    TEXT,
    TIME,
    Schema,
    closed,
    described,
    nullable,
    one_of,
    page_of,
    ref,
)
from triggerfish.edge.openapi.trigger import TAG

SCHEMAS: dict[str, Schema] = {
    "Released": closed({"released": COUNT}),
    "OperationalEvent": closed(
        {
            "type": {"const": "trigger.disabled"},
            "at": TIME,
            "trigger_id": ID,
            "trigger_name": described(nullable(TEXT), "Null when it has been deleted."),
            "reason": one_of(*DisabledReason),
            "failing_since": TIME,
        }
    ),
    "OperationalEventPage": page_of("OperationalEvent"),
}

_GONE = {
    "type": "trigger.disabled",
    "at": "2026-11-22T15:19:24.964038Z",
    "trigger_id": TRIGGER_ID,
    "trigger_name": "orders",
    "reason": "gone",
    "failing_since": "2026-11-22T15:19:24.964038Z",
}

release = operation(
    "releaseHeldEvents",
    TAG,
    "Deliver what was held while a trigger was disabled",
    {202: Answer("How many there were.", ref("Released"), {"One event": {"released": 1}})},
    description="They are delivered as the trigger is now.",
    refusals=(Refusal(409, "The trigger is disabled: resume it before its events are released."),),
)
list_ = operation(
    "listOperationalEvents",
    TAG,
    "List when and why triggers were disabled, newest first",
    {
        200: Answer(
            "A page of what happened to triggers by itself.",
            ref("OperationalEventPage"),
            {"The last page": {"data": [_GONE], "next_cursor": None}},
        )
    },
    description=f"Kept for {KEPT.days} days.",
)
