"""Many triggers created by one request."""

from triggerfish.domain.trigger import MAX_BATCH
from triggerfish.edge.errors import envelope
from triggerfish.edge.http import MAX_BATCH_BYTES
from triggerfish.edge.openapi.operation import Answer, Body, operation
from triggerfish.edge.openapi.schema import (
    ANY,
    COUNT,
    Schema,
    closed,
    described,
    list_of,
    ref,
)
from triggerfish.edge.openapi.trigger import (
    API_TRIGGER,
    INVALID,
    NEW_API,
    NEW_SCHEDULED,
    SIGNED,
    TAG,
)

# A trigger that is not valid makes no request invalid, so its form is not asked for.
_EACH: Schema = {"anyOf": [ref("NewTrigger"), ANY]}

SCHEMAS: dict[str, Schema] = {
    "NewTriggers": closed({"triggers": list_of(_EACH, minItems=1, maxItems=MAX_BATCH)}),
    "CreatedTriggers": closed(
        {
            "created": COUNT,
            "refused": COUNT,
            "results": described(
                list_of(
                    {
                        "oneOf": [
                            closed({"trigger": ref("CreatedTrigger")}),
                            ref("Error"),
                        ]
                    }
                ),
                "One for each trigger, in the order of the request.",
            ),
        }
    ),
}

_ERROR = envelope("VALIDATION_ERROR", INVALID, "01a2033e8beb71dcb68cf9185b14abd8")["error"]
_REFUSED = _ERROR | {"details": [{"field": "name", "message": "must be a non-empty string"}]}

create = operation(
    "createTriggers",
    TAG,
    "Create many triggers",
    {
        200: Answer(
            "What became of each trigger.",
            ref("CreatedTriggers"),
            {
                "One created, one refused": {
                    "created": 1,
                    "refused": 1,
                    "results": [{"trigger": API_TRIGGER | SIGNED}, {"error": _REFUSED}],
                }
            },
        )
    },
    description=(
        "Up to 1,000 triggers in one transaction. Those that are valid and that the project has"
        " room for are stored; each of the others has its error at its place."
    ),
    body=Body(
        ref("NewTriggers"),
        {"One of each type": {"triggers": [NEW_API, NEW_SCHEDULED]}},
        "The body is not valid.",
        {"triggers": "must have at least 1 item"},
        max_bytes=MAX_BATCH_BYTES,
    ),
    keyed=True,
)
