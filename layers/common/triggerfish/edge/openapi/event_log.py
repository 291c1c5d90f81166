"""The event log: what fired, and what came of it."""

from typing import Any

from triggerfish.domain.delivery import Status
from triggerfish.domain.event_log import Source
from triggerfish.domain.retention import View
from triggerfish.domain.trigger import TriggerType
from triggerfish.edge.openapi.conditional import KNOWN, seen
from triggerfish.edge.openapi.operation import Answer, operation
from triggerfish.edge.openapi.schema import (
    ANY,
    BOOLEAN,
    COUNT,
    ID,
    TEXT,
    TIME,
    Schema,
    closed,
    described,
    list_of,
    nullable,
    one_of,
    page_of,
    ref,
    same,
)

TAG = "Event logs"
STATUSES = tuple(Status)
STATUS = one_of(*STATUSES)
SOURCE = one_of(*Source)
STATUS_CODE: Schema = {"type": "integer", "minimum": 100, "maximum": 999}

_LOG: dict[str, Schema] = {
    "id": described(ID, "Also the `webhook-id` of its deliveries."),
    "trigger_id": described(nullable(ID), "Null for a test run of an unsaved definition."),
    "trigger_type": one_of(*TriggerType),
    "source": SOURCE,
    "is_test": BOOLEAN,
    "note": nullable(TEXT),
    "scheduled_for": TIME,
    "fired_at": TIME,
    "payload": described(ANY, "Byte for byte as it came."),
    "status": STATUS,
    "attempt_count": COUNT,
    "last_status_code": nullable(STATUS_CODE),
    "last_error": described(
        nullable(TEXT),
        "`http_<status>` or one of `timeout`, `connection_refused`, `connection_reset`,"
        " `dns_error`, `tls_error`, `protocol_error`, `destination_blocked`, with a few words.",
    ),
    "next_attempt_at": nullable(TIME),
    "completed_at": nullable(TIME),
    "released_at": described(nullable(TIME), "It was held until then."),
    "replay_of": nullable(ID),
    "state": one_of(*View),
    "archives_at": TIME,
    "expires_at": TIME,
}
_COUNTS = {"total": COUNT, "counts": same(STATUSES, COUNT)}

SCHEMAS: dict[str, Schema] = {
    "EventLog": closed(_LOG),
    "EventLogPage": page_of("EventLog"),
    "EventLogDetail": closed(_LOG | {"attempts": list_of(ref("Attempt"))}),
    "Attempt": closed(
        {
            "number": {"type": "integer", "minimum": 1},
            "url": described(nullable(TEXT), "The URL that was posted to, byte for byte."),
            "started_at": TIME,
            "duration_ms": {"type": "number", "minimum": 0},
            "status_code": nullable(STATUS_CODE),
            "error": nullable(TEXT),
            "response_excerpt": described(TEXT, "The first 1,000 characters of the answer."),
        }
    ),
    "EventSummary": closed(
        {
            "from": described(TIME, "The first whole minute of the window."),
            "to": TIME,
            **_COUNTS,
            "data": list_of(
                closed({"trigger_id": nullable(ID), "trigger_name": nullable(TEXT), **_COUNTS})
            ),
        }
    ),
}

EVENT_ID = "01a2033e-6dbe-7fb3-a7eb-3ed838f0c01b"
TRIGGER_ID = "01a2033e-6ad4-7ee0-b81d-a3551e2901ae"
EVENT_LOG: dict[str, Any] = {
    "id": EVENT_ID,
    "trigger_id": TRIGGER_ID,
    "trigger_type": "api",
    "source": "api",
    "is_test": False,
    "note": None,
    "scheduled_for": "2026-11-22T12:32:32.702620Z",
    "fired_at": "2026-11-22T12:32:32.702620Z",
    "payload": {"id": 42},
    "status": "success",
    "attempt_count": 1,
    "last_status_code": 200,
    "last_error": None,
    "next_attempt_at": None,
    "completed_at": "2026-11-22T12:32:32.940595Z",
    "released_at": None,
    "replay_of": None,
    "state": "active",
    "archives_at": "2026-11-22T14:32:32.702620Z",
    "expires_at": "2026-11-24T12:32:32.702620Z",
}
ATTEMPT = {
    "number": 1,
    "url": "https://example.com/hook",
    "started_at": "2026-11-22T12:32:32.924248Z",
    "duration_ms": 16.3,
    "status_code": 200,
    "error": None,
    "response_excerpt": "OK\n",
}

list_ = operation(
    "listEventLogs",
    TAG,
    "List event logs, newest first",
    seen(
        "A page of event logs.",
        "EventLogPage",
        "The last page",
        {"data": [EVENT_LOG], "next_cursor": None},
    ),
    description="A scheduled event shows from its `fired_at` on, never before.",
    headers=KNOWN,
)
get = operation(
    "getEventLog",
    TAG,
    "Look up an event log with every attempt",
    seen("The event log.", "EventLogDetail", "Delivered", EVENT_LOG | {"attempts": [ATTEMPT]}),
    headers=KNOWN,
)
_SOME = {"pending": 0, "delivering": 0, "held": 0, "success": 3, "failure": 0}
summary = operation(
    "summariseEventLogs",
    TAG,
    "Count the last hours' events by trigger and status",
    {
        200: Answer(
            "The busiest triggers first, at most 1,000 of them; `counts` are of all.",
            ref("EventSummary"),
            {
                "One trigger": {
                    "from": "2026-11-21T13:29:00Z",
                    "to": "2026-11-22T13:28:18.627622Z",
                    "total": 3,
                    "counts": _SOME,
                    "data": [
                        {
                            "trigger_id": TRIGGER_ID,
                            "trigger_name": "orders",
                            "total": 3,
                            "counts": _SOME,
                        }
                    ],
                }
            },
        )
    },
)
