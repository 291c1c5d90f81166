"""One message and the states it passes through in a queue."""

from dataclasses import dataclass
from enum import Enum
from typing import Any


class State(Enum):
    DELAYED = "delayed"
    READY = "ready"
    IN_FLIGHT = "in flight"
    GONE = "gone"  # deleted, expired or moved; a heap or a line may still refer to it


@dataclass(slots=True, eq=False)
class Message:
    """A message as sent, and what the queue keeps about it. Times are seconds since the epoch."""

    id: str
    body: str
    body_md5: str
    sent_at: float
    attributes: dict[str, dict[str, Any]] | None = None
    attributes_md5: str | None = None
    trace_header: str | None = None
    group: str | None = None
    dedup_id: str | None = None
    sequence: int = 0  # position in a FIFO queue
    dead_letter_source: str | None = None  # ARN of the queue it was given up in
    state: State = State.GONE
    due: float = 0.0  # when a delay or a visibility timeout ends
    receive_count: int = 0
    first_received_at: float = 0.0
