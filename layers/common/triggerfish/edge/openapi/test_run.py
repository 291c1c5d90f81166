"""Test runs: one event, marked as a test, of a trigger or of a definition that is not saved."""

from triggerfish.domain.manual_test import MAX_NOTE_CHARACTERS
from triggerfish.domain.trigger import TriggerType
from triggerfish.edge.openapi.endpoint import NEW_ENDPOINT
from triggerfish.edge.openapi.operation import Answer, Body, operation
from triggerfish.edge.openapi.schedule import TIME_SPAN
from triggerfish.edge.openapi.schema import (
    ANY,
    ID,
    NOT_BLANK,
    TEXT,
    TIME,
    Schema,
    closed,
    described,
    nullable,
    ref,
)
from triggerfish.edge.openapi.trigger import (
    ID_OF_ONE,
    INVALID,
    NEW_API,
    NO_NAME,
    SECRET,
    SIGNED,
    new,
)

TAG = "Test runs"
_NOTE = nullable({"type": "string", "pattern": NOT_BLANK, "maxLength": MAX_NOTE_CHARACTERS})
_PAYLOAD = described(ANY, "For an API trigger; it must fit the schema. Default: `{}`.")
_STARTED: dict[str, Schema] = {
    "event_id": ID,
    "status": {"const": "pending"},
    "is_test": {"const": True},
    "trigger_id": described(nullable(ID), "Null for an unsaved definition."),
    "note": TEXT,
    "scheduled_for": TIME,
}
_SCHEDULED = new(TriggerType.SCHEDULED, {"note": _NOTE})
_WAIT = described(TIME_SPAN, "Fires once, that much later; at most 24 h.")


def _with_wait() -> Schema:
    """With `in` said beside it, a schedule is not needed."""
    fields = _SCHEDULED["properties"]
    required = {name: fields[name] for name in ("type", "name", "endpoint")}
    optional = {name: schema for name, schema in fields.items() if name not in required}
    return closed(required | {"in": _WAIT}, optional)


SCHEMAS: dict[str, Schema] = {
    "TestRun": closed({}, {"note": _NOTE, "payload": _PAYLOAD}),
    "UnsavedTestRun": {
        "description": "What would create the trigger, with a note, a payload or a wait.",
        "oneOf": [
            ref("UnsavedScheduledTestRun"),
            ref("UnsavedWaitingTestRun"),
            ref("UnsavedApiTestRun"),
        ],
    },
    "UnsavedScheduledTestRun": new(TriggerType.SCHEDULED, {"note": _NOTE, "in": {"type": "null"}}),
    "UnsavedWaitingTestRun": _with_wait(),
    "UnsavedApiTestRun": new(TriggerType.API, {"note": _NOTE, "payload": _PAYLOAD}),
    "StartedTestRun": closed(_STARTED),
    "StartedUnsavedTestRun": closed(_STARTED | {"signing_secret": SECRET}),
}

_EVENT = {
    "event_id": "01a20366-0a46-7619-8971-bdd4d4ee604d",
    "status": "pending",
    "is_test": True,
    "trigger_id": ID_OF_ONE,
    "note": "before the launch",
    "scheduled_for": "2026-11-22T13:15:48.678467Z",
}

of_trigger = operation(
    "testTrigger",
    TAG,
    "Test a trigger",
    {202: Answer("A test event.", ref("StartedTestRun"), {"Accepted": _EVENT})},
    description=(
        "Fires once, now, whatever the trigger's status. A scheduled trigger sends its stored"
        " payload and takes none."
    ),
    body=Body(
        ref("TestRun"),
        {"With a note": {"note": "before the launch"}, "Nothing more": {}},
        "The test run is not valid.",
        {"note": f"must be a text that is not empty, of at most {MAX_NOTE_CHARACTERS} characters"},
        required=False,
    ),
    keyed=True,
)
unsaved = operation(
    "testDefinition",
    TAG,
    "Test a definition that is not saved",
    {
        202: Answer(
            "A test event; no trigger was made.",
            ref("StartedUnsavedTestRun"),
            {
                "Accepted": _EVENT
                | {"trigger_id": None, "note": 'Test run of "reminder", not saved'}
                | SIGNED
            },
        )
    },
    body=Body(
        ref("UnsavedTestRun"),
        {
            "Once, in five seconds": {
                "type": "scheduled",
                "name": "reminder",
                "schedule": {"in": "5s"},
                "endpoint": NEW_ENDPOINT,
                "payload": {"text": "hello"},
            },
            "By webhook": NEW_API | {"payload": {"id": 7}},
        },
        INVALID,
        NO_NAME,
    ),
    keyed=True,
)
