"""What is known of a trigger: its history, its fires to come, why it fired or did not."""

from typing import Any

from triggerfish.edge.openapi.endpoint import ENDPOINT
from triggerfish.edge.openapi.event_log import SOURCE, STATUS
from triggerfish.edge.openapi.operation import Answer, operation
from triggerfish.edge.openapi.retry import RETRY
from triggerfish.edge.openapi.schedule import CRON, FIRES
from triggerfish.edge.openapi.schema import (
    COUNT,
    ID,
    TEXT,
    TIME,
    Schema,
    closed,
    described,
    list_of,
    nullable,
    page_of,
    ref,
)
from triggerfish.edge.openapi.trigger import (
    API_DEFINITION,
    FIRINGS,
    ID_OF_ONE,
    PROOF,
    SCHEDULED_DEFINITION,
    TAG,
)
from triggerfish.edge.openapi.trigger import STATUS as TRIGGER_STATUS

_REVISION: dict[str, Schema] = {
    "revision": {"type": "integer", "minimum": 1},
    "created_at": TIME,
    "created_by": described(TEXT, "The id of the key that made it."),
}
_EVENT: dict[str, Schema] = {
    "id": ID,
    "source": SOURCE,
    "scheduled_for": TIME,
    "fired_at": TIME,
    "status": STATUS,
    "attempt_count": COUNT,
    "last_error": nullable(TEXT),
}
_EXPLANATION: dict[str, Schema] = {
    "trigger_id": ID,
    "status": TRIGGER_STATUS,
    "explanation": described(TEXT, "One sentence."),
    "last_event": nullable(closed(_EVENT)),
    "last_tick_at": nullable(TIME),
    "last_failures": list_of(closed(_EVENT | {"reason": TEXT})),
}

SCHEMAS: dict[str, Schema] = {
    "Revision": {
        "oneOf": [
            closed(_REVISION | SCHEDULED_DEFINITION),
            closed(_REVISION | API_DEFINITION, PROOF),
        ]
    },
    "RevisionPage": page_of("Revision"),
    "Explanation": {
        "description": "Scheduled triggers also have `next_fire_at` and counts.",
        "oneOf": [closed(_EXPLANATION), closed(_EXPLANATION | FIRINGS)],
    },
}

_FAILED = {
    "id": "01a20372-124d-7ce6-b2a2-c324b78206e9",
    "source": "scheduled",
    "scheduled_for": "2026-11-22T13:28:57.165518Z",
    "fired_at": "2026-11-22T13:28:57.165518Z",
    "status": "failure",
    "attempt_count": 1,
    "last_error": "connection_refused",
}

_QUIET: dict[str, Any] = {
    "trigger_id": ID_OF_ONE,
    "status": "active",
    "explanation": "The trigger is active and waits for a call of its webhook URL.",
    "last_event": None,
    "last_tick_at": "2026-11-22T13:29:03.008929Z",
    "last_failures": [],
}

revisions = operation(
    "listRevisions",
    TAG,
    "List a trigger's revisions, newest first",
    {
        200: Answer(
            "A page of revisions.",
            ref("RevisionPage"),
            {
                "One revision": {
                    "data": [
                        {
                            "revision": 1,
                            "created_at": "2026-11-22T13:28:40.243873Z",
                            "created_by": "01a20371-6354-7dc9-b5d7-ac1654f84820",
                            "type": "scheduled",
                            "name": "nightly",
                            "endpoint": ENDPOINT,
                            "retry": RETRY,
                            "schedule": CRON,
                            "payload": {"any": "json"},
                            "catch_up": "all",
                            "catch_up_window_seconds": 3600,
                            "catch_up_grace_seconds": 60,
                        }
                    ],
                    "next_cursor": None,
                }
            },
        )
    },
)
next_fires = operation(
    "listNextFires",
    TAG,
    "Show a trigger's fires to come",
    {200: Answer("Soonest first, with jitter.", ref("UpcomingFires"), {"Two fires": FIRES})},
    description="A trigger that is not active has none.",
)
explain = operation(
    "explainTrigger",
    TAG,
    "Tell why a trigger fired or did not",
    {
        200: Answer(
            "One sentence, and what it was made of.",
            ref("Explanation"),
            {
                "A completed trigger": {
                    "trigger_id": ID_OF_ONE,
                    "status": "completed",
                    "explanation": "The trigger is completed: its schedule has nothing left to"
                    " fire; it last fired at 2026-11-22T13:28:57.165518Z and the delivery failed"
                    " for good after attempt 1: the endpoint refused the connection.",
                    "last_event": _FAILED,
                    "last_tick_at": "2026-11-22T13:29:03.008929Z",
                    "last_failures": [_FAILED | {"reason": "the endpoint refused the connection"}],
                    "next_fire_at": None,
                    "fired_count": 15,
                    "skipped_count": 0,
                },
                "One that has not fired yet": _QUIET,
            },
        )
    },
    description="Test runs do not count.",
)
