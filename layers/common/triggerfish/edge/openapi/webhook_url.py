"""Rotating a webhook URL."""

from triggerfish.domain.overlap import DEFAULT_SECONDS, MAX_SECONDS
from triggerfish.edge.openapi.operation import Answer, Body, Refusal, operation
from triggerfish.edge.openapi.schema import TIME, Schema, closed, described, ref
from triggerfish.edge.openapi.trigger import API, API_TRIGGER, PROOF, TAG

_GRACE: Schema = {
    "type": "integer",
    "minimum": 0,
    "maximum": MAX_SECONDS,
    "default": DEFAULT_SECONDS,
    "description": "How long earlier URLs go on working.",
}
_UNTIL = "previous_url_valid_until"

SCHEMAS: dict[str, Schema] = {
    "UrlRotation": closed({}, {"grace_seconds": _GRACE}),
    "RotatedTrigger": closed(API | {_UNTIL: described(TIME, "The old URL's end.")}, PROOF),
}

rotate = operation(
    "rotateWebhookUrl",
    TAG,
    "Give a trigger a new webhook URL",
    {
        200: Answer(
            "The trigger with its new URL.",
            ref("RotatedTrigger"),
            {"Rotated": API_TRIGGER | {_UNTIL: "2026-11-22T14:28:40.544093Z"}},
        )
    },
    body=Body(
        ref("UrlRotation"),
        {"An hour's grace": {"grace_seconds": 3600}},
        "The rotation is not valid.",
        {"grace_seconds": f"must be a whole number of seconds, 0 to {MAX_SECONDS}"},
        required=False,
    ),
    refusals=(Refusal(409, "A scheduled trigger has no webhook URL."),),
)
