"""Imports: a job's states, how far it has come, its queue messages, and the times that bound it.

    uploading ──► queued ──claim──► processing ──┬─ end of file ──► completed
                    ▲                            ├─ hopeless ─────► failed
                    └── lease over, store away ──┘
    any of them ──delete──► deleting ──► gone

`uploading` and `deleting` are shown to nobody: such a job does not exist yet, or no longer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.lines import Line
from triggerfish.domain.log_entry import BadLine, LogEntry, LogRow, parse_line

VERSION = 1
KEPT_ERRORS = 1000
"""Bad lines whose reasons are kept; all are counted."""
BATCH_LINES = 2000
BATCH_BYTES = 4 << 20

# One invocation's share: below the function's time limit, and below what a worker that stops has
# left for its running batches.
TURN = timedelta(seconds=15)
# Renewed with every batch, of which a slow one takes some seconds.
LEASE = timedelta(seconds=30)
# With slow lines a batch is written after this long, so that progress can be watched.
LONGEST_BATCH = timedelta(seconds=1)
# Claims in a row without any progress: whatever kills the workers would do so for ever.
MAX_STALLS = 5
# An upload that takes longer was left by a process that died.
UPLOAD_LIMIT = timedelta(hours=6)
# Without a message for so long: whoever wrote the row died before sending one.
UNSENT_GRACE = timedelta(seconds=2)
# A message was sent that long ago and nothing came of it: it was lost.
RESEND_AFTER = timedelta(seconds=60)
# When to look again for a store that was away.
TRY_AGAIN_AFTER = timedelta(seconds=5)


class JobStatus(StrEnum):
    UPLOADING = "uploading"
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    DELETING = "deleting"


SHOWN = (JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.COMPLETED, JobStatus.FAILED)
FINAL = (JobStatus.COMPLETED, JobStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its project sees it; `error` says why it failed, or what it waits for."""

    id: UUID
    project_id: UUID
    file_name: str
    size: int
    sha256: str
    status: JobStatus
    error: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    accepted: int
    rejected: int
    percent: int
    on_complete: UUID | None = None
    """The API trigger that its end fires; then either its event or why there is none."""
    on_complete_event_id: UUID | None = None
    on_complete_error: str | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that is leased to us: where its last batch ended, and what it counted until then."""

    id: UUID
    lease_id: UUID
    size: int
    next_line: int
    next_offset: int
    accepted: int
    rejected: int
    stalls: int


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A line of a file that is a log entry."""

    line_no: int
    entry: LogEntry


@dataclass(frozen=True, slots=True)
class LineError:
    """A line of a file that is none, and why."""

    line_no: int
    reason: str


@dataclass(slots=True)
class Batch:
    """Lines that are written together, with where they end and what is counted by then."""

    next_line: int
    next_offset: int
    accepted: int
    rejected: int
    lines: int = 0
    bytes: int = 0
    entries: list[StoredEntry] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)

    def add(self, line: Line) -> None:
        try:
            self.entries.append(StoredEntry(line.number, parse_line(line)))
            self.accepted += 1
        except BadLine as bad:
            if self.rejected < KEPT_ERRORS:
                self.errors.append(LineError(line.number, str(bad)))
            self.rejected += 1
        self.lines += 1
        self.bytes += line.end - self.next_offset
        self.next_line, self.next_offset = line.number + 1, line.end

    def following(self) -> "Batch":
        """An empty one that goes on where this one ends."""
        return Batch(self.next_line, self.next_offset, self.accepted, self.rejected)

    @property
    def is_full(self) -> bool:
        return self.lines >= BATCH_LINES or self.bytes >= BATCH_BYTES


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which entries a reader asks for; `text` is looked for in messages, in any case."""

    level: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether every line fits, so that a page reads no more than it shows."""
        return self == LineFilter()


@dataclass(frozen=True, slots=True)
class FoundLines:
    """What a bounded scan found, and where it ended if it did not come to the last line."""

    rows: list[LogRow]
    scanned_to: int | None = None


def first_batch(job: ClaimedJob) -> Batch:
    return Batch(job.next_line, job.next_offset, job.accepted, job.rejected)


def percent(offset: int, size: int) -> int:
    """Of a job that is under way: 100 only when it is over."""
    return min(100 * offset // size, 99) if size else 99


def object_key(job_id: UUID) -> str:
    """Under which name the object store keeps the job's file."""
    return str(job_id)


def message_body(job_id: UUID) -> dict[str, Any]:
    """The body of a queue message: an id, never what was uploaded."""
    return {"v": VERSION, "job_id": str(job_id)}


def parse_message(body: object) -> UUID:
    """Read a message body that was decoded from JSON. Raises InvalidInput for anything else."""
    if not isinstance(body, Mapping) or body.get("v") != VERSION:
        raise InvalidInput("The message is not an import job of version 1.")
    try:
        return UUID(body["job_id"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput("The message names no job.") from error
