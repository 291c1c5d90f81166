"""The body of a queue message: ids and times, never a payload. Version 1."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import InvalidInput

VERSION = 1
DEDUP_ATTRIBUTE = "dedup_id"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def message_body(ref: EventRef) -> dict[str, Any]:
    return {
        "v": VERSION,
        "event_id": str(ref.event_id),
        "due_at_us": (ref.due_at - EPOCH) // timedelta(microseconds=1),
        "endpoint_key": ref.endpoint_key,
        "dedup_id": ref.dedup_id,
    }


def parse_message(body: object) -> EventRef:
    """Read a message body that was decoded from JSON. Raises InvalidInput for anything else."""
    if not isinstance(body, Mapping) or body.get("v") != VERSION:
        raise InvalidInput("The message is not a delivery job of version 1.")
    try:
        due_at = EPOCH + timedelta(microseconds=int(body["due_at_us"]))
        return EventRef(
            UUID(body["event_id"]), due_at, str(body["endpoint_key"]), str(body["dedup_id"])
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidInput("The message is not a delivery job.") from error
