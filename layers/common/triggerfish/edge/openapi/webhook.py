"""Both ends of an event: the webhook that fires it, and the delivery that we send."""

from typing import Any

from triggerfish.domain.idempotency import HEADER, MAX_KEY_CHARACTERS
from triggerfish.domain.trigger import MAX_PAYLOAD_BYTES
from triggerfish.edge.openapi.event_log import EVENT_ID
from triggerfish.edge.openapi.operation import JSON, Answer, Body, Refusal, operation
from triggerfish.edge.openapi.schema import ANY, ID, TEXT, Schema, closed, described, ref

TAG = "Webhooks"

SCHEMAS: dict[str, Schema] = {
    "Accepted": closed({"event_id": ID, "status": {"const": "pending"}}),
}

fire = operation(
    "fireTrigger",
    TAG,
    "Fire an API trigger",
    {
        202: Answer(
            "The event is committed.",
            ref("Accepted"),
            {"Accepted": {"event_id": EVENT_ID, "status": "pending"}},
            headers={
                "Idempotent-Replayed": {
                    "description": "This call was made before; the event is the first call's.",
                    "schema": {"const": "true"},
                }
            },
        )
    },
    description=(
        "The token is the permission; a trigger with `verification` asks for a proof as well. The"
        " body is any JSON that fits the trigger's schema, at most 256 KiB, 64 levels and 10,000"
        " values. Events of a disabled trigger are held."
    ),
    body=Body(
        ANY,
        {"An order": {"id": 42}},
        "The payload does not match the trigger's schema.",
        {"id": "must be of type integer"},
        max_bytes=MAX_PAYLOAD_BYTES,
    ),
    headers={
        HEADER: {
            "description": "The same key with the same body is the same event, for 24 h.",
            "schema": {
                "type": "string",
                "pattern": r"^[!-~]+$",
                "minLength": 1,
                "maxLength": MAX_KEY_CHARACTERS,
            },
            "example": "order-43",
        }
    },
    refusals=(
        Refusal(401, "The request could not be verified."),
        Refusal(409, "The trigger is paused; it accepts no events."),
        Refusal(422, f"This {HEADER} was used with another body; send a new key."),
    ),
)


def _header(name: str, description: str, schema: Schema, example: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


def _meaning(text: str) -> dict[str, Any]:
    return {"description": text}


# What we send, as a customer's endpoint sees it (Standard Webhooks 1.0.0).
OUTGOING: dict[str, Any] = {
    "delivery": {
        "post": {
            "operationId": "receiveDelivery",
            "tags": [TAG],
            "summary": "An event, as your endpoint receives it",
            "description": (
                "A POST of exactly the payload's bytes, with the headers of the trigger's endpoint"
                " and these ([Standard Webhooks](https://www.standardwebhooks.com)). Deliveries"
                " come at least once: the same `webhook-id` in every attempt tells repeats. Check"
                " the signature, and that the timestamp is recent."
            ),
            "security": [],
            "parameters": [
                _header("webhook-id", "The event's id, the same in every attempt.", ID, EVENT_ID),
                _header(
                    "webhook-timestamp",
                    "Unix seconds of this attempt.",
                    {"type": "string", "pattern": "^[0-9]+$"},
                    "1795350752",
                ),
                _header(
                    "webhook-signature",
                    "`v1,` and the base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}` with the"
                    " trigger's `signing_secret`; one or more, separated by spaces.",
                    {
                        "type": "string",
                        "pattern": r"^v1,[0-9A-Za-z+/]{43}=( v1,[0-9A-Za-z+/]{43}=)*$",
                    },
                    "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
                ),
                _header(
                    "triggerfish-hops",
                    "How many triggers, one firing the next, led to this delivery.",
                    {"type": "string", "pattern": "^[1-9]$"},
                    "1",
                ),
                _header("user-agent", "The platform.", TEXT, "Triggerfish/0.1.0"),
            ],
            "requestBody": {
                "required": True,
                "content": {
                    JSON: {
                        "schema": described(ANY, "The event's payload, byte for byte."),
                        "examples": {"an-order": {"summary": "An order", "value": {"id": 42}}},
                    }
                },
            },
            "responses": {
                "2XX": _meaning("Within `timeout_seconds`: `success`."),
                "410": _meaning("`failure`, and the trigger becomes `disabled`."),
                "3XX": _meaning("Never followed; another attempt, as for any other answer."),
                "default": _meaning(
                    "Any other answer, or none: another attempt after the next wait of `retry`,"
                    " stretched by its jitter; `failure` when none is left. A `Retry-After`"
                    " lengthens the wait, to at most an hour."
                ),
            },
        }
    }
}
