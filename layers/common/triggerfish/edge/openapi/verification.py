"""What the calls of a webhook URL must prove, beside knowing it."""

from triggerfish.domain.verification import (
    DEFAULT_HEADER,
    DEFAULT_TOLERANCE_SECONDS,
    FIELDS,
    MAX_HEADER_CHARACTERS,
    MAX_SECRET_CHARACTERS,
    MAX_TOLERANCE_SECONDS,
    MIN_SECRET_CHARACTERS,
    NOT_A_TOKEN,
    VerificationType,
)
from triggerfish.edge.openapi.endpoint import HEADER_NAME, any_case
from triggerfish.edge.openapi.schema import Schema, closed, described

_SECRET: Schema = {
    "type": "string",
    "pattern": "^[!-~][ -~]*[!-~]$",
    "minLength": MIN_SECRET_CHARACTERS,
    "maxLength": MAX_SECRET_CHARACTERS,
    "description": "Stored encrypted, and never shown.",
}
# 24 to 64 bytes: 8 to 20 groups of three, and then up to four more bytes.
_KEY: Schema = _SECRET | {
    "pattern": "^whsec_(?:{g}{4}){8,20}(?:{g}{4}(?:{g}{2}==)?|{g}{2}==|{g}{3}=)?$".replace(
        "{g}", "[0-9A-Za-z+/]"
    ),
    "description": "`whsec_` and the base64 of 24 to 64 bytes; stored encrypted, and never shown.",
}
_HEADER: Schema = {
    "type": "string",
    "pattern": HEADER_NAME,
    "maxLength": MAX_HEADER_CHARACTERS,
    "not": {"pattern": f"^(?:{'|'.join(map(any_case, sorted(NOT_A_TOKEN)))})$"},
    "default": DEFAULT_HEADER,
}
_TOLERANCE: Schema = {
    "type": "integer",
    "minimum": 1,
    "maximum": MAX_TOLERANCE_SECONDS,
    "default": DEFAULT_TOLERANCE_SECONDS,
    "description": "How far the time that is signed may be from ours.",
}
_PARTS = {"header": _HEADER, "tolerance_seconds": _TOLERANCE}
_MEANING = {
    VerificationType.HEADER: "The secret, in a header.",
    VerificationType.STANDARD_WEBHOOKS: "A signature by Standard Webhooks.",
    VerificationType.GITHUB: "A signature in `X-Hub-Signature-256`.",
    VerificationType.STRIPE: "A signature in `Stripe-Signature`.",
}


def _parts(kind: VerificationType) -> dict[str, Schema]:
    return {name: schema for name, schema in _PARTS.items() if name in FIELDS[kind]}


def _new(kind: VerificationType) -> Schema:
    secret = _KEY if kind is VerificationType.STANDARD_WEBHOOKS else _SECRET
    required = {"type": {"const": kind.value}, "secret": secret}
    return described(closed(required, _parts(kind)), _MEANING[kind])


def _shown(kind: VerificationType) -> Schema:
    return closed({"type": {"const": kind.value}} | _parts(kind))


SCHEMAS: dict[str, Schema] = {
    "NewVerification": {"oneOf": [_new(kind) for kind in VerificationType]},
    "Verification": {
        "description": "Without its secret.",
        "oneOf": [_shown(kind) for kind in VerificationType],
    },
}

NEW_VERIFICATION = {"type": "stripe", "secret": "a-long-random-text", "tolerance_seconds": 300}
VERIFICATION = {"type": "stripe", "tolerance_seconds": 300}
