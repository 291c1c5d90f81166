"""From a change's body to the whole new definition: given fields replace whole, null removes."""

import json
from datetime import datetime
from typing import Any

from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.trigger import Definition, TriggerType, parse_definition


def patch_definition(current: Definition, raw: object, *, now: datetime) -> Definition:
    """Read a PATCH body (RFC 7396 at the top level only) against the current definition.

    Raises InvalidInput naming every wrong field, also one that must not be removed.
    """
    if not isinstance(raw, dict):
        details = (FieldError("body", "must be an object"),)
        raise InvalidInput("The body must be a JSON object.", details)
    if "type" in raw and raw["type"] != current.type.value:
        details = (FieldError("type", f"cannot be changed; it is {current.type.value}"),)
        raise InvalidInput("The trigger is not valid.", details)
    kept = _body(current)
    removed = {name for name in kept if name in raw and raw[name] is None}
    body = {name: value for name, value in (kept | raw).items() if name not in removed}
    return parse_definition(body, now=now, kept_schedule=current.schedule)


def _body(definition: Definition) -> dict[str, Any]:
    """The create body that leads to this definition."""
    body: dict[str, Any] = {
        "type": definition.type.value,
        "name": definition.name,
        "endpoint": definition.endpoint.to_json(),
        "retry": definition.retry.to_json(),
    }
    if definition.type is TriggerType.API:
        verification = definition.verification
        proof = verification.to_body() if verification else None
        return body | {"schema": definition.schema, "verification": proof}
    return body | {
        "schedule": definition.schedule.to_json() if definition.schedule else None,
        "payload": json.loads(definition.payload or "{}"),
        "catch_up": definition.catch_up.value,
        "catch_up_window_seconds": definition.catch_up_window_seconds,
        "catch_up_grace_seconds": definition.catch_up_grace_seconds,
    }
