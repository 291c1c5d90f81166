"""The body of a queue message: the events that become due together, never a payload. Version 2."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import InvalidInput

VERSION = 2
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_EVENTS = 100
"""So many events a message names at most: some 11 KB, and work that several workers can share."""


def message_body(refs: Sequence[EventRef]) -> dict[str, Any]:
    return {
        "v": VERSION,
        "events": [
            {
                "id": str(ref.event_id),
                "due_at_us": (ref.due_at - EPOCH) // timedelta(microseconds=1),
                "endpoint_key": ref.endpoint_key,
            }
            for ref in refs
        ],
    }


def parse_message(body: object) -> tuple[EventRef, ...]:
    """Read a message body that was decoded from JSON. Raises InvalidInput for anything else."""
    if not isinstance(body, Mapping) or body.get("v") != VERSION:
        raise InvalidInput(f"The message is not a delivery message of version {VERSION}.")
    try:
        refs = tuple(_parse_event(event) for event in body["events"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidInput("The message is not a delivery message.") from error
    if not refs:
        raise InvalidInput("The message names no event.")
    return refs


def _parse_event(event: Mapping[str, Any]) -> EventRef:
    due_at = EPOCH + timedelta(microseconds=int(event["due_at_us"]))
    return EventRef(UUID(event["id"]), due_at, str(event["endpoint_key"]))
