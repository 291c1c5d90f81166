"""The one error shape, and an example of every refusal."""

from collections.abc import Iterable, Mapping
from typing import Any

from triggerfish.edge.errors import CODES, STATUS, envelope
from triggerfish.edge.http import MAX_BODY_BYTES
from triggerfish.edge.openapi.operation import JSON, Refusal, examples
from triggerfish.edge.openapi.schema import TEXT, Schema, closed, described, list_of, one_of, ref

CODE_OF = {**CODES, **dict(STATUS.values())}
_AN_ID = "01a2033e8beb71dcb68cf9185b14abd8"

SCHEMAS: dict[str, Schema] = {
    "Error": closed(
        {
            "error": closed(
                {
                    "code": one_of(*sorted({*CODE_OF.values()})),
                    "message": described(TEXT, "What went wrong, in words."),
                    "details": list_of(ref("FieldError")),
                    "request_id": described(TEXT, "Leads to the log; `x-request-id` repeats it."),
                }
            )
        }
    ),
    "FieldError": closed(
        {
            "field": described(TEXT, "Where: `schedule.cron`, `items[0].price`."),
            "message": described(TEXT, "What would be right."),
        }
    ),
}

MEANING = {
    400: "The body, the query, a header or the payload is wrong; `details` name the fields.",
    401: "No valid API key, or a webhook call without its proof.",
    403: "The key lacks the scope.",
    404: "Unknown, or another project's.",
    409: "The request does not fit the present state.",
    412: "It has been changed since the `ETag` that `If-Match` names.",
    413: "The body is too large.",
    415: "The body's `Content-Type` or `Content-Encoding` is not one that is taken here.",
    422: "The idempotency key came with another body before.",
    429: "Too many requests; come back after `Retry-After`.",
    500: "Our fault; the request id leads to the log.",
    503: "Postgres is away, or a trigger behind; come back after `Retry-After`.",
}
REQUEST_ID = {
    "X-Request-Id": {"description": "Leads to the log.", "required": True, "schema": TEXT}
}
_RETRY_AFTER = {
    "Retry-After": {
        "description": "In seconds.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}
RATE_LIMIT = {
    "RateLimit-Policy": {
        "description": 'Of its limit, where there is one: `"key";q=10000;w=5` is 10,000 in 5 s.',
        "schema": TEXT,
    },
    "RateLimit": {
        "description": 'What is left: `"key";r=9999;t=1` is 9,999 now, all of it again in 1 s.',
        "schema": TEXT,
    },
}
HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"const": "Bearer"}}},
    429: _RETRY_AFTER | RATE_LIMIT,
    503: _RETRY_AFTER,
}

NO_KEY = Refusal(401, "The API key is not valid.")
NOT_JSON = Refusal(415, "Send the body as Content-Type: application/json.")
WRONG_QUERY = Refusal(
    400,
    "The request is not valid.",
    {"x": "is not a field of this query; its fields are cursor, limit"},
)
TOO_MANY = Refusal(429, "Too many requests; slow down.")
OURS = Refusal(500, "Something went wrong on our side; the request id leads to the details.")
AWAY = Refusal(503, "The database is not reachable; try again shortly.")


def too_large(max_bytes: int) -> Refusal:
    return Refusal(413, f"The body may have at most {max_bytes} bytes.")


USUAL = {
    "NoKey": NO_KEY,
    "TooLarge": too_large(MAX_BODY_BYTES),
    "NotJson": NOT_JSON,
    "TooMany": TOO_MANY,
    "OurFault": OURS,
    "TryLater": AWAY,
}


def no_scope(scope: str) -> Refusal:
    return Refusal(403, f"The API key needs the scope {scope}.")


def not_found(noun: str) -> Refusal:
    return Refusal(404, f"There is no such {noun}.")


def described_errors(refusals: Iterable[Refusal]) -> dict[str, Any]:
    """The Responses Object of these refusals, with an example of each."""
    by_status: dict[int, list[Refusal]] = {}
    for refusal in refusals:
        by_status.setdefault(refusal.status, []).append(refusal)
    return {str(status): _usual(by_status[status]) for status in sorted(by_status)}


def usual_responses() -> dict[str, Any]:
    """What many operations answer alike, by name: the components' responses."""
    return {name: _response([refusal]) for name, refusal in USUAL.items()}


def _usual(refusals: list[Refusal]) -> dict[str, Any]:
    for name, refusal in USUAL.items():
        if refusals == [refusal]:
            return {"$ref": f"#/components/responses/{name}"}
    return _response(refusals)


def _response(refusals: list[Refusal]) -> dict[str, Any]:
    status = refusals[0].status
    titled = {one.message.rstrip("."): _example(one) for one in refusals}
    return {
        "description": MEANING[status],
        "headers": HEADERS.get(status, {}) | REQUEST_ID,
        "content": {JSON: {"schema": ref("Error"), "examples": _numbered(titled)}},
    }


def _example(refusal: Refusal) -> Mapping[str, Any]:
    answer = envelope(CODE_OF[refusal.status], refusal.message, _AN_ID)
    details = [{"field": field, "message": why} for field, why in refusal.details.items()]
    return {"error": answer["error"] | {"details": details}}


def _numbered(titled: Mapping[str, Any]) -> dict[str, Any]:
    """A message is no name for a map's key, but a good summary."""
    found = examples(titled).values()
    return {f"refusal-{number}": example for number, example in enumerate(found, start=1)}
