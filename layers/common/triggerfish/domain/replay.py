"""Replays: an event that is over is sent again, as a new event that names the old one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from triggerfish.domain.delivery import EventRef

MAX_REPLAYS = 1000  # of one request


@dataclass(frozen=True, slots=True)
class Original:
    """An event to send again; its time finds the one partition that may hold it."""

    id: UUID
    fired_at: datetime
    size: int  # bytes of its payload


@dataclass(frozen=True, slots=True)
class Replay:
    """A new event and the one that it sends again."""

    ref: EventRef
    replay_of: UUID
