"""Event Horizon: imports of log files, from the upload to the entries, live and by GraphQL."""

from typing import Any

from triggerfish.domain.job import SHOWN
from triggerfish.domain.log_entry import LEVELS
from triggerfish.edge.openapi.api_key import NOT_KEPT
from triggerfish.edge.openapi.conditional import KNOWN, seen
from triggerfish.edge.openapi.operation import LOCATION, Answer, Body, Refusal, operation
from triggerfish.edge.openapi.schema import (
    ANY,
    COUNT,
    ID,
    NULL,
    TEXT,
    TIME,
    Schema,
    closed,
    described,
    list_of,
    map_of,
    nullable,
    one_of,
    page_of,
    ref,
)

TAG = "Imports"
MAX_QUERY_BYTES = 16 * 1024
_LINE: Schema = {"type": "integer", "minimum": 1}
_STATUS = one_of(*(status.value for status in SHOWN))

SCHEMAS: dict[str, Schema] = {
    # Bytes have no type in JSON Schema; what is in them is said by the body's encoding.
    "Upload": closed(
        {
            "file": {
                "contentMediaType": "application/octet-stream",
                "description": "One JSON object a line.",
            }
        }
    ),
    "QueuedJob": closed({"job_id": ID, "status": {"const": "queued"}}),
    "Job": closed(
        {
            "id": ID,
            "status": _STATUS,
            "error": described(nullable(TEXT), "Why it failed, or what it waits for."),
            "file_name": TEXT,
            "size": described(COUNT, "In bytes."),
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "percent": {"type": "integer", "minimum": 0, "maximum": 100},
            "lines": closed({"total": COUNT, "accepted": COUNT, "rejected": COUNT}),
            "on_complete": nullable(
                closed({"trigger_id": ID, "event_id": nullable(ID), "error": nullable(TEXT)})
            ),
            "created_at": TIME,
            "started_at": nullable(TIME),
            "completed_at": nullable(TIME),
        }
    ),
    "JobPage": page_of("Job"),
    "LogEntry": closed(
        {
            "line": _LINE,
            "timestamp": TIME,
            "level": one_of(*LEVELS),
            "service": TEXT,
            "message": TEXT,
            "attributes": map_of(ANY),
        }
    ),
    "LogEntryPage": page_of("LogEntry"),
    "LineError": closed({"line": _LINE, "reason": TEXT}),
    "LineErrorPage": page_of("LineError"),
    "JobTicket": closed({"ticket": TEXT, "expires_at": TIME}),
    "GraphqlQuery": closed(
        {"query": {"type": "string", "minLength": 1}},
        {
            "variables": nullable(map_of(ANY)),
            "operationName": nullable(TEXT),
            "extensions": nullable(map_of(ANY)),
        },
    ),
    "GraphqlAnswer": closed(
        {"data": {"anyOf": [map_of(ANY), NULL]}}, {"errors": list_of(map_of(ANY))}
    ),
}

JOB: dict[str, Any] = {
    "id": "01a2040e-07ee-7fcf-95fe-f8d67bf95023",
    "status": "completed",
    "error": None,
    "file_name": "app.jsonl",
    "size": 249925544,
    "sha256": "daf9d7a83004a0c394f8c5bfcb5d9ed1398bea021d31654a2118b2357918b8e6",
    "percent": 100,
    "lines": {"total": 1000000, "accepted": 989972, "rejected": 10028},
    "on_complete": None,
    "created_at": "2026-11-22T16:19:18.126490Z",
    "started_at": "2026-11-22T16:19:18.150211Z",
    "completed_at": "2026-11-22T16:19:49.511402Z",
}
ENTRY = {
    "line": 2,
    "timestamp": "2026-11-22T16:00:01Z",
    "level": "ERROR",
    "service": "payments",
    "message": "card declined",
    "attributes": {},
}
ERROR = {"line": 3, "reason": "timestamp: is required; service: is required"}
_LOG_LINE = (
    '{"timestamp": "2026-11-22T16:00:00Z", "level": "INFO", "message": "order 7 paid", '
    '"service": "checkout"}\n'
)
_QUERY = "query ($id: ID!) { job(id: $id) { status percent lines { accepted rejected } } }"
_STREAM = {
    "Cache-Control": {"required": True, "schema": {"const": "no-store, no-transform"}},
}


def _page(item: dict[str, Any]) -> dict[str, Any]:
    return {"The last page": {"data": [item], "next_cursor": None}}


upload = operation(
    "uploadFile",
    TAG,
    "Upload a log file and queue its import",
    {
        202: Answer(
            "The file is stored, its import queued.",
            ref("QueuedJob"),
            {"Queued": {"job_id": JOB["id"], "status": "queued"}},
            LOCATION,
        )
    },
    description="Streamed; an upload that breaks off leaves nothing.",
    body=Body(
        ref("Upload"),
        {"A line": {"file": _LOG_LINE}},
        "The file is not acceptable.",
        {"file": "line 1 must be a JSON object"},
        max_bytes=512 << 20,
        media_type="multipart/form-data",
        encoding={
            "file": {
                "contentType": "application/jsonl",
                "headers": {
                    "Content-Disposition": {
                        "description": "With the file's name, which ends in `.jsonl`.",
                        "required": True,
                        "schema": TEXT,
                        "example": 'form-data; name="file"; filename="app.jsonl"',
                    }
                },
            }
        },
    ),
    refusals=(Refusal(409, "The project has 10000 imports, as many as it may have; delete one."),),
    keyed=True,
)
list_ = operation(
    "listJobs",
    TAG,
    "List imports, newest first",
    {200: Answer("A page.", ref("JobPage"), _page(JOB))},
)
get = operation(
    "getJob", TAG, "Look up an import", seen("The import.", "Job", "One", JOB), headers=KNOWN
)
entries = operation(
    "listLogEntries",
    TAG,
    "List the entries that an import read, in the order of the file",
    {200: Answer("A page.", ref("LogEntryPage"), _page(ENTRY))},
)
errors = operation(
    "listLineErrors",
    TAG,
    "List the first 1,000 bad lines of an import",
    {200: Answer("A page.", ref("LineErrorPage"), _page(ERROR))},
)
delete = operation(
    "deleteJob",
    TAG,
    "Delete an import with its file and entries",
    {204: Answer("It is gone; one that was being processed stops.")},
    matched=True,
)
stream = operation(
    "streamJob",
    TAG,
    "Watch an import until its end",
    {
        200: Answer(
            "Server-Sent Events: the import now and whenever it changes; an event `done` after its "
            "end.",
            described(ANY, "Of each event the data is an import as JSON."),
            {"Its end": 'data: {"status":"completed", …}\n\nevent: done\ndata:\n\n'},
            _STREAM,
            media_type="text/event-stream",
        )
    },
    description="A stream that ends without `done` is to be asked for again: after a quarter of an "
    "hour, and at once where answers are sent whole (AWS). `WS /ws/jobs/{job_id}` says the same; "
    "its first message is the key.",
)
ticket = operation(
    "createJobTicket",
    TAG,
    "Get a ticket to watch an import by WebSocket once, within a minute",
    {
        201: Answer(
            "The ticket.",
            ref("JobTicket"),
            {
                "One": {
                    "ticket": "J2sHiskT1fLl3K8Fx7W7XEgK8YO2KrxrvCaNErBOYFY",
                    "expires_at": "2026-11-22T16:20:18.126490Z",
                }
            },
            NOT_KEPT,
        )
    },
    keyed=True,
)
graphql = operation(
    "queryGraphql",
    TAG,
    "Ask for an import by GraphQL",
    {
        200: Answer(
            "The answer, errors of the query included.",
            ref("GraphqlAnswer"),
            {
                "Progress": {
                    "data": {
                        "job": {
                            "status": "completed",
                            "percent": 100,
                            "lines": {"accepted": 989972, "rejected": 10028},
                        }
                    }
                }
            },
        )
    },
    body=Body(
        ref("GraphqlQuery"),
        {"Progress": {"query": _QUERY, "variables": {"id": JOB["id"]}}},
        "The body is not valid.",
        {"query": "is required"},
        max_bytes=MAX_QUERY_BYTES,
    ),
)
