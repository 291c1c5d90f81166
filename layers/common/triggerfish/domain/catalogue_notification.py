"""Notifications of the catalogue: what they say, their queue messages, and when to try again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from triggerfish.domain.errors import InvalidInput

VERSION = 1

# A claim outlives every notifier's own time limit by far: only a dead worker's runs out.
LEASE = timedelta(seconds=60)
# Without a message for so long after the change: whoever made it died before sending one.
UNSENT_GRACE = timedelta(seconds=2)
# A message was sent that long ago and nothing came of it: it was lost.
RESEND_AFTER = timedelta(seconds=60)
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
_DOUBLINGS = 12  # lead beyond the longest wait


class News(StrEnum):
    """What can be told of an event."""

    CREATED = "created"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


WORDS = {
    News.CREATED: "New event created",
    News.PUBLISHED: "Event published",
    News.CANCELLED: "Event cancelled",
}


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to tell, stored with the change that it is about; `attempt` counts from 1."""

    id: UUID
    event_id: UUID
    news: News
    title: str
    created_at: datetime
    attempt: int = 0

    @property
    def text(self) -> str:
        """`Event published: <title>`"""
        return f"{WORDS[self.news]}: {self.title}"


def message_body(notification_id: UUID) -> dict[str, Any]:
    """The body of a queue message: an id, never what is told."""
    return {"v": VERSION, "notification_id": str(notification_id)}


def parse_message(body: object) -> UUID:
    """Read a message body that was decoded from JSON. Raises InvalidInput for anything else."""
    if not isinstance(body, Mapping) or body.get("v") != VERSION:
        raise InvalidInput("The message is not a notification of version 1.")
    try:
        return UUID(body["notification_id"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput("The message names no notification.") from error


def wait_after(attempt: int) -> timedelta:
    """How long to wait after a failed attempt: 5 s, doubled each time, an hour at most."""
    doublings = min(attempt - 1, _DOUBLINGS)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
