"""API keys and the projects they speak for."""

from typing import Any

from triggerfish.domain.access import PROJECT_SCOPES, SCOPES
from triggerfish.domain.api_key import MAX_NAME_CHARACTERS
from triggerfish.domain.overlap import DEFAULT_SECONDS, MAX_SECONDS
from triggerfish.edge.openapi.operation import Answer, Body, Refusal, operation
from triggerfish.edge.openapi.schedule import TIME_SPAN
from triggerfish.edge.openapi.schema import (
    ID,
    NOT_BLANK,
    NULL,
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
)

TAG = "API keys"
NAME: Schema = {"type": "string", "pattern": NOT_BLANK, "maxLength": MAX_NAME_CHARACTERS}
NOT_KEPT = {"Cache-Control": {"required": True, "schema": {"const": "no-store"}}}
_SCOPES = list_of(one_of(*SCOPES))
_KEY: dict[str, Schema] = {
    "id": ID,
    "name": TEXT,
    "prefix": described(TEXT, "Names the key in lists and logs; not secret."),
    "scopes": _SCOPES,
    "created_at": TIME,
    "expires_at": nullable(TIME),
    "revoked_at": nullable(TIME),
    "last_used_at": nullable(TIME),
    "replaced_by": nullable(ID),
}
_ISSUED = _KEY | {"key": described(TEXT, "The key itself; only this answer shows it.")}
_ASKED = {"name": NAME, "scopes": _SCOPES | {"minItems": 1}}

SCHEMAS: dict[str, Schema] = {
    "NewApiKey": {
        "description": "Without an end the key ends with the one that makes it, if that ends.",
        "oneOf": [
            closed(_ASKED, {"expires_at": NULL, "expires_in": NULL}),
            closed(
                _ASKED | {"expires_at": described(TIME, "In the future.")}, {"expires_in": NULL}
            ),
            closed(_ASKED | {"expires_in": TIME_SPAN}, {"expires_at": NULL}),
        ],
    },
    "ApiKeyRotation": closed(
        {},
        {
            "overlap_seconds": {
                "type": "integer",
                "minimum": 0,
                "maximum": MAX_SECONDS,
                "default": DEFAULT_SECONDS,
                "description": "How long the old key stays valid.",
            }
        },
    ),
    "ApiKey": closed(_KEY),
    "ApiKeyPage": page_of("ApiKey"),
    "IssuedApiKey": closed(_ISSUED),
    "RotatedApiKey": closed(
        _ISSUED | {"replaces": closed({"id": ID, "expires_at": nullable(TIME)})}
    ),
}

KEY: dict[str, Any] = {
    "id": "01a20372-2002-7868-9b1a-47d3a05ed2d2",
    "name": "ci",
    "prefix": "tf_plHpcQLXB5tP",
    "scopes": ["triggers:read", "events:read"],
    "created_at": "2026-11-22T13:29:00.674109Z",
    "expires_at": "2027-02-20T13:29:00.674109Z",
    "revoked_at": None,
    "last_used_at": None,
    "replaced_by": None,
}
ISSUED = KEY | {"key": "tf_plHpcQLXB5tP_…"}
_INVALID = "The API key is not valid."

create = operation(
    "createApiKey",
    TAG,
    "Create an API key",
    {201: Answer("The key, shown this once.", ref("IssuedApiKey"), {"For CI": ISSUED}, NOT_KEPT)},
    body=Body(
        ref("NewApiKey"),
        {
            "For ninety days": {"name": "ci", "scopes": KEY["scopes"], "expires_in": "90d"},
            "For good": {"name": "admin", "scopes": list(PROJECT_SCOPES)},
        },
        _INVALID,
        {"scopes": f"must be a list of at least one of {', '.join(SCOPES)}"},
    ),
    refusals=(Refusal(403, "This key cannot give what it does not have: keys:admin."),),
    keyed=True,
)
list_ = operation(
    "listApiKeys",
    TAG,
    "List API keys, newest first",
    {
        200: Answer(
            "Also those that are over.",
            ref("ApiKeyPage"),
            {"The last page": {"data": [KEY], "next_cursor": None}},
        )
    },
)
get = operation(
    "getApiKey", TAG, "Look up an API key", {200: Answer("The key.", ref("ApiKey"), {"One": KEY})}
)
rotate = operation(
    "rotateApiKey",
    TAG,
    "Replace an API key by a new one",
    {
        201: Answer(
            "The new key, shown this once.",
            ref("RotatedApiKey"),
            {
                "With an hour's overlap": ISSUED
                | {"replaces": {"id": KEY["id"], "expires_at": "2026-11-22T14:29:01.020599Z"}}
            },
            NOT_KEPT,
        )
    },
    description="Of the same name, scopes and length of life; it ends with the key that makes it "
    "at the latest.",
    body=Body(
        ref("ApiKeyRotation"),
        {"An hour's overlap": {"overlap_seconds": 3600}},
        "The rotation is not valid.",
        {"overlap_seconds": f"must be a whole number of seconds, 0 to {MAX_SECONDS}"},
        required=False,
    ),
    refusals=(
        Refusal(
            403,
            "This key expires at 2026-12-01T00:00:00Z and cannot make one that outlives it.",
        ),
        Refusal(409, "The key is revoked or expired; create another one."),
    ),
    keyed=True,
)
revoke = operation(
    "revokeApiKey",
    TAG,
    "Revoke an API key",
    {
        200: Answer(
            "The key, which is no longer valid.",
            ref("ApiKey"),
            {"Revoked": KEY | {"revoked_at": "2026-11-22T14:31:12.308174Z"}},
        )
    },
    description="For good and at once; again changes nothing. It stays in the list.",
    refusals=(
        Refusal(403, "This key cannot revoke one with scopes it lacks: triggers:write."),
        Refusal(409, "This is the last usable key that can administer; create another one first."),
    ),
)
