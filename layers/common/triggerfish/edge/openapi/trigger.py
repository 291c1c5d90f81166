"""Triggers: what may be asked for, what is shown, and the operations on one and on the list."""

from typing import Any

from triggerfish.domain.catch_up import DEFAULT_GRACE_SECONDS
from triggerfish.domain.trigger import (
    DEFAULT_CATCH_UP_WINDOW_SECONDS,
    MAX_CATCH_UP_GRACE_SECONDS,
    MAX_CATCH_UP_WINDOW_SECONDS,
    MAX_NAME_CHARACTERS,
    CatchUp,
    DisabledReason,
    TriggerStatus,
    TriggerType,
)
from triggerfish.edge.openapi.conditional import KNOWN, seen
from triggerfish.edge.openapi.endpoint import ENDPOINT, NEW_ENDPOINT
from triggerfish.edge.openapi.operation import Answer, Body, Refusal, operation
from triggerfish.edge.openapi.retry import EXPONENTIAL, RETRY
from triggerfish.edge.openapi.schedule import CRON
from triggerfish.edge.openapi.schema import (
    ANY,
    COUNT,
    ID,
    NOT_BLANK,
    TIME,
    Schema,
    closed,
    described,
    list_of,
    nullable,
    one_of,
    page_of,
    ref,
)
from triggerfish.edge.openapi.verification import NEW_VERIFICATION, VERIFICATION

TAG = "Triggers"
NAME: Schema = {"type": "string", "pattern": NOT_BLANK, "maxLength": MAX_NAME_CHARACTERS}
PAYLOAD = described(ANY, "Any JSON, delivered as it is; at most 256 KiB. Default: `{}`.")
PAYLOAD_SCHEMA: Schema = {
    "type": "object",
    "description": "JSON Schema, 2020-12 or draft-07, at most 64 KiB. Default: any JSON.",
}
CATCH_UP = one_of(*CatchUp) | {"default": CatchUp.ALL.value}
WINDOW: Schema = {
    "type": "integer",
    "minimum": 0,
    "maximum": MAX_CATCH_UP_WINDOW_SECONDS,
    "default": DEFAULT_CATCH_UP_WINDOW_SECONDS,
}
GRACE: Schema = {
    "type": "integer",
    "minimum": 0,
    "maximum": MAX_CATCH_UP_GRACE_SECONDS,
    "default": DEFAULT_GRACE_SECONDS,
    "description": "A firing that is no later than this is not missed: it fires.",
}
WAITS = {
    "catch_up": CATCH_UP,
    "catch_up_window_seconds": WINDOW,
    "catch_up_grace_seconds": GRACE,
}
STATUS = one_of(*TriggerStatus)
_NEW_PROOF = nullable(ref("NewVerification"))
SECRET = described(
    {"type": "string", "pattern": "^whsec_"}, "Verifies deliveries; only this answer shows it."
)


def new(kind: TriggerType, extra: dict[str, Schema] | None = None) -> Schema:
    """A create body for triggers of one type, with further optional fields."""
    required = {"type": {"const": kind.value}, "name": NAME, "endpoint": ref("NewEndpoint")}
    optional: dict[str, Schema] = {"retry": nullable(ref("NewRetry")), **(extra or {})}
    if kind is TriggerType.API:
        return closed(required, {"schema": PAYLOAD_SCHEMA, "verification": _NEW_PROOF} | optional)
    return closed(
        required | {"schedule": ref("NewSchedule")}, {"payload": PAYLOAD} | WAITS | optional
    )


def _change(fields: dict[str, Schema], kind: TriggerType) -> Schema:
    common = {"type": {"const": kind.value}, "name": NAME, "endpoint": ref("NewEndpoint")}
    return closed({}, common | {"retry": nullable(ref("NewRetry"))} | fields)


_DEFINITION: dict[str, Schema] = {
    "name": NAME,
    "endpoint": ref("Endpoint"),
    "retry": ref("Retry"),
}
SCHEDULED_DEFINITION: dict[str, Schema] = _DEFINITION | {
    "type": {"const": TriggerType.SCHEDULED.value},
    "schedule": ref("Schedule"),
    "payload": PAYLOAD,
    **WAITS,
}
API_DEFINITION: dict[str, Schema] = _DEFINITION | {
    "type": {"const": TriggerType.API.value},
    "schema": PAYLOAD_SCHEMA,
}
_WARNINGS: dict[str, Schema] = {
    "warnings": described(
        list_of(closed({"field": {"type": "string"}, "message": {"type": "string"}})),
        "Of a creation or a change: what the schema allows and was hardly meant.",
    )
}
PROOF: dict[str, Schema] = {"verification": ref("Verification")}  # only of those that ask for one
_STATE: dict[str, Schema] = {
    "id": ID,
    "status": STATUS,
    "revision": {"type": "integer", "minimum": 1},
    "created_at": TIME,
    "updated_at": TIME,
    "failing_since": described(nullable(TIME), "The first failure after the last success."),
    "disabled_at": nullable(TIME),
    "disabled_reason": nullable(one_of(*DisabledReason)),
}
FIRINGS: dict[str, Schema] = {
    "next_fire_at": nullable(TIME),
    "fired_count": COUNT,
    "skipped_count": described(COUNT, "Missed, and not made up."),
}
SCHEDULED: dict[str, Schema] = _STATE | SCHEDULED_DEFINITION | FIRINGS
API: dict[str, Schema] = (
    _STATE | API_DEFINITION | {"webhook_url": {"type": "string", "description": "Itself a secret."}}
)
_SECRET = {"signing_secret": SECRET}

SCHEMAS: dict[str, Schema] = {
    "NewTrigger": {"oneOf": [ref("NewScheduledTrigger"), ref("NewApiTrigger")]},
    "NewScheduledTrigger": new(TriggerType.SCHEDULED),
    "NewApiTrigger": new(TriggerType.API),
    "TriggerChange": {
        "description": "Given fields replace whole, null puts one back to its default.",
        "anyOf": [ref("ScheduledTriggerChange"), ref("ApiTriggerChange")],
    },
    "ScheduledTriggerChange": _change(
        {
            "schedule": ref("NewSchedule"),
            "payload": PAYLOAD,
            **{name: nullable(schema) for name, schema in WAITS.items()},
        },
        TriggerType.SCHEDULED,
    ),
    "ApiTriggerChange": _change(
        {"schema": nullable(PAYLOAD_SCHEMA), "verification": _NEW_PROOF}, TriggerType.API
    ),
    "Trigger": {"oneOf": [ref("ScheduledTrigger"), ref("ApiTrigger")]},
    "ScheduledTrigger": closed(SCHEDULED),
    "ApiTrigger": closed(API, PROOF | _WARNINGS),
    "CreatedTrigger": {
        "oneOf": [closed(SCHEDULED | _SECRET), closed(API | _SECRET, PROOF | _WARNINGS)],
    },
    "TriggerPage": page_of("Trigger"),
}

ID_OF_ONE = "01a2033e-6aa4-7eef-9dc3-c258d048d861"
NEW_SCHEDULED = {
    "type": "scheduled",
    "name": "nightly",
    "schedule": CRON,
    "endpoint": NEW_ENDPOINT,
    "payload": {"any": "json"},
    "retry": {"delays_seconds": [5, 30, 120, 600]},
    "catch_up": "all",
}
ORDER_SCHEMA = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "integer"}},
}
NEW_API = {
    "type": "api",
    "name": "orders",
    "endpoint": {"url": "https://example.com/orders"},
    "schema": ORDER_SCHEMA,
    "verification": NEW_VERIFICATION,
    "retry": {"exponential": {"max_attempts": 10}},
}
_SHOWN: dict[str, Any] = {
    "id": ID_OF_ONE,
    "status": "active",
    "revision": 1,
    "endpoint": ENDPOINT,
    "retry": RETRY,
    "created_at": "2026-11-22T12:32:31.908617Z",
    "updated_at": "2026-11-22T12:32:31.908617Z",
    "failing_since": None,
    "disabled_at": None,
    "disabled_reason": None,
}
SCHEDULED_TRIGGER = _SHOWN | {
    "type": "scheduled",
    "name": "nightly",
    "schedule": CRON,
    "payload": {"any": "json"},
    "catch_up": "all",
    "catch_up_window_seconds": 3600,
    "catch_up_grace_seconds": 60,
    "next_fire_at": "2026-11-23T08:00:00Z",
    "fired_count": 0,
    "skipped_count": 0,
}
API_TRIGGER = _SHOWN | {
    "type": "api",
    "name": "orders",
    "retry": EXPONENTIAL,
    "schema": ORDER_SCHEMA,
    "verification": VERIFICATION,
    "webhook_url": "http://localhost:8080/api/v1/webhook/zdsd0syiW6ZVNkBNJf6vn30BtvXWmgx1BBlj6fczUG8",
}
SIGNED = {"signing_secret": "whsec_bqUdrdzIZT9mtDGFUOW/v79sPQ4w0HC4ZNSBFNQkKVE="}
_OVER = Refusal(409, "The trigger is completed: give it a new schedule to start it again.")
_BEHIND = Refusal(503, "The trigger is catching up with what was due; try again shortly.")
INVALID = "The trigger is not valid."
NO_NAME = {"name": "is required", "endpoint.url": "must begin with https:// or http://"}

create = operation(
    "createTrigger",
    TAG,
    "Create a trigger",
    {
        201: Answer(
            "The trigger, with its signing secret this once.",
            ref("CreatedTrigger"),
            {"Scheduled": SCHEDULED_TRIGGER | SIGNED, "By webhook": API_TRIGGER | SIGNED},
        )
    },
    body=Body(
        ref("NewTrigger"),
        {"By cron in a time zone": NEW_SCHEDULED, "By webhook": NEW_API},
        INVALID,
        NO_NAME,
    ),
    refusals=(Refusal(409, "The project has 100 triggers, as many as it may have."),),
    keyed=True,
)
list_ = operation(
    "listTriggers",
    TAG,
    "List triggers, newest first",
    seen(
        "A page of triggers.",
        "TriggerPage",
        "The last page",
        {"data": [API_TRIGGER], "next_cursor": None},
    ),
    headers=KNOWN,
)
get = operation(
    "getTrigger",
    TAG,
    "Look up a trigger",
    seen("The trigger.", "Trigger", "Scheduled", SCHEDULED_TRIGGER),
    headers=KNOWN,
)
delete = operation(
    "deleteTrigger",
    TAG,
    "Delete a trigger",
    {204: Answer("It fires no more.")},
    description="What has fired stays in the log until its time is over, and is still delivered.",
    matched=True,
)
update = operation(
    "updateTrigger",
    TAG,
    "Edit a trigger",
    {
        200: Answer(
            "The trigger as it is now.",
            ref("Trigger"),
            {"Renamed": SCHEDULED_TRIGGER | {"name": "early", "revision": 2}},
        )
    },
    description=(
        "An edit makes a new revision, for firings due from then on. `type` cannot change, and"
        " only fields of the trigger's type are taken."
    ),
    body=Body(
        ref("TriggerChange"),
        {"A new name, and the default retries": {"name": "early", "retry": None}},
        INVALID,
        {"type": "cannot be changed; it is scheduled"},
    ),
    refusals=(_BEHIND,),
    matched=True,
)
pause = operation(
    "pauseTrigger",
    TAG,
    "Pause a trigger",
    {
        200: Answer(
            "It does not fire.",
            ref("Trigger"),
            {"Paused": SCHEDULED_TRIGGER | {"status": "paused", "next_fire_at": None}},
        )
    },
    refusals=(
        Refusal(409, "The trigger is completed: it has nothing left to pause."),
        Refusal(409, "The trigger is disabled: its events are held until it is resumed."),
        _BEHIND,
    ),
)
resume = operation(
    "resumeTrigger",
    TAG,
    "Resume a trigger",
    {200: Answer("It goes on.", ref("Trigger"), {"Active": SCHEDULED_TRIGGER})},
    description="With the next time that is still to come; what was due meanwhile is not made up.",
    refusals=(_OVER, _BEHIND),
)
