"""Rotating the secret that deliveries are signed with."""

from triggerfish.domain.overlap import DEFAULT_SECONDS, MAX_SECONDS
from triggerfish.edge.openapi.operation import Answer, Body, operation
from triggerfish.edge.openapi.schema import TIME, Schema, closed, described, ref
from triggerfish.edge.openapi.trigger import (
    API,
    API_TRIGGER,
    PROOF,
    SCHEDULED,
    SECRET,
    SIGNED,
    TAG,
)

_OVERLAP: Schema = {
    "type": "integer",
    "minimum": 0,
    "maximum": MAX_SECONDS,
    "default": DEFAULT_SECONDS,
    "description": "How long deliveries are signed with the old secret too.",
}
_UNTIL = "previous_secret_valid_until"
_NEW: dict[str, Schema] = {"signing_secret": SECRET, _UNTIL: described(TIME, "The overlap's end.")}

SCHEMAS: dict[str, Schema] = {
    "SecretRotation": closed({}, {"overlap_seconds": _OVERLAP}),
    "TriggerWithNewSecret": {"oneOf": [closed(SCHEDULED | _NEW), closed(API | _NEW, PROOF)]},
}

rotate = operation(
    "rotateSigningSecret",
    TAG,
    "Give a trigger a new signing secret",
    {
        200: Answer(
            "The trigger with its new secret, shown this once.",
            ref("TriggerWithNewSecret"),
            {"Rotated": API_TRIGGER | SIGNED | {_UNTIL: "2026-11-22T15:54:45.106346Z"}},
        )
    },
    description="Rotating again ends the overlap of the secret before the last.",
    body=Body(
        ref("SecretRotation"),
        {"An hour's overlap": {"overlap_seconds": 3600}},
        "The rotation is not valid.",
        {"overlap_seconds": f"must be a whole number of seconds, 0 to {MAX_SECONDS}"},
        required=False,
    ),
)
