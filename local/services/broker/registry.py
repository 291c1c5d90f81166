"""All queues of the broker, and redrive between them. No I/O; time is an argument."""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from local.services.broker.errors import (
    SqsError,
    invalid,
    invalid_value,
    no_such_queue,
    no_such_resource,
)
from local.services.broker.message import Message, State
from local.services.broker.queue import Queue
from local.services.broker.settings import queue_name_of, settings_from

ACCOUNT = "000000000000"
REGION = "us-east-1"
PURGE_PAUSE_SECONDS = 60

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(slots=True)
class Entry:
    """A queue and what is known of it beside its messages. Times are seconds since the epoch."""

    queue: Queue
    texts: dict[str, str]  # attributes as given, without the defaults
    created_at: float
    modified_at: float
    purged_at: float | None = None


@dataclass(frozen=True, slots=True)
class MoveTask:
    """A finished message move: here a move is done when its start returns."""

    source_arn: str
    destination_arn: str | None
    rate: int | None
    moved: int
    started_at: float


def arn_of(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


class Registry:
    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._tasks: dict[str, list[MoveTask]] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    # -- queues -----------------------------------------------------------------------------------

    def create(self, name: str, texts: Mapping[str, str], now: float) -> None:
        """Create a queue; creating it again with the same attributes changes nothing.

        Raises QueueNameExists when an attribute differs. A deleted name is free at once, which on
        AWS takes a minute.
        """
        fifo = _check_name(name, texts)
        settings = settings_from(texts, fifo)
        if (existing := self._entries.get(name)) is not None:
            _check_same(texts, existing.queue.settings.texts)
            return
        queue = Queue(name, uuid.uuid4().hex[:8], settings)
        self._check_redrive(queue, texts)
        self._entries[name] = Entry(queue, dict(texts), created_at=now, modified_at=now)

    def update(self, entry: Entry, texts: Mapping[str, str], now: float) -> None:
        """Change attributes of a queue; its type cannot change."""
        fifo = entry.queue.settings.fifo
        if "FifoQueue" in texts and fifo:
            raise SqsError(
                "InvalidAttributeValue",
                "Invalid value for the parameter FifoQueue. "
                "Reason: Modifying queue type is not supported.",
            )
        merged = {**entry.texts, **texts}
        settings = settings_from(merged, fifo)
        previous, entry.queue.settings = entry.queue.settings, settings
        try:
            self._check_redrive(entry.queue, texts)
        except SqsError:
            entry.queue.settings = previous
            raise
        entry.texts, entry.modified_at = merged, now

    def delete(self, name: str) -> None:
        self._entries.pop(name)

    def at(self, url: str) -> Entry:
        """The queue of a queue URL; the host does not matter, as for AWS's clients."""
        _, _, path = url.rpartition(f"/{ACCOUNT}/")
        return self.named(path)

    def named(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise no_such_queue() from None

    def sources_of(self, name: str) -> list[str]:
        """Names of the queues whose dead letters go to `name`."""
        redrives = ((entry.queue.name, entry.queue.settings.redrive) for entry in self)
        return [source for source, redrive in redrives if redrive and redrive.target == name]

    def purge(self, entry: Entry, now: float) -> None:
        if entry.purged_at is not None and now < entry.purged_at + PURGE_PAUSE_SECONDS:
            raise SqsError(
                "PurgeQueueInProgress",
                f"Only one PurgeQueue operation on {entry.queue.name} is allowed every "
                f"{PURGE_PAUSE_SECONDS} seconds.",
            )
        entry.purged_at = now
        entry.queue.purge()

    # -- moving messages --------------------------------------------------------------------------

    def receive(
        self, queue: Queue, limit: int, visibility: int | None, now: float
    ) -> list[Message]:
        """Receive, and put what was received too often into the dead-letter queue.

        While the dead-letter queue does not exist nothing is given up.
        """
        redrive = queue.settings.redrive
        target = self._entries.get(redrive.target) if redrive else None
        received = queue.receive(
            limit, now, visibility, redrive.max_receives if redrive and target else None
        )
        if target is not None:
            for message in received.dead:
                self._give_up(message, queue, target.queue, now)
        return received.messages

    def start_move(
        self, source_arn: str, destination_arn: str | None, rate: int | None, now: float
    ) -> str:
        """Move a dead-letter queue's messages to a queue, or each back to where it came from.

        As on AWS they become new messages. Unlike there, the move is complete on return.
        Returns the task's handle.
        """
        source = self._of_arn(source_arn, "SourceArn").queue
        if not self.sources_of(source.name):
            raise invalid("Source queue must be configured as a Dead Letter Queue.")
        destination = self._of_arn(destination_arn, "DestinationArn") if destination_arn else None
        moved = 0
        for message in source.drain(now):
            home = queue_name_of(message.dead_letter_source or "") or ""
            target = destination or self._entries.get(home)
            if target is None:  # its source is gone; it stays where it is
                source.put(message, 0, now)
                continue
            target.queue.put(_as_new(message, now), 0, now)
            moved += 1
        task = MoveTask(source_arn, destination_arn, rate, moved, now)
        self._tasks[source.name] = [task, *self._tasks.get(source.name, [])][:10]
        return uuid.uuid4().hex

    def moves_of(self, source_arn: str) -> list[MoveTask]:
        """The latest moves out of a queue, the newest first, at most 10."""
        return self._tasks.get(self._of_arn(source_arn, "SourceArn").queue.name, [])

    def _of_arn(self, arn: str, parameter: str) -> Entry:
        entry = self._entries.get(queue_name_of(arn) or "")
        if entry is None:
            raise no_such_resource(parameter)
        return entry

    def _give_up(self, message: Message, source: Queue, target: Queue, now: float) -> None:
        # A standard message keeps its enqueue time, from which its retention in the DLQ counts.
        sent_at = now if target.settings.fifo else message.sent_at
        letter = replace(
            message, state=State.GONE, sent_at=sent_at, dead_letter_source=arn_of(source.name)
        )
        target.put(letter, 0, now)

    def _check_redrive(self, queue: Queue, texts: Mapping[str, str]) -> None:
        redrive = queue.settings.redrive
        if redrive is None or "RedrivePolicy" not in texts:
            return
        target = self._entries.get(redrive.target)
        reason = None
        if target is None:
            reason = "Dead letter target does not exist."
        elif target.queue.settings.fifo != queue.settings.fifo:
            reason = "Dead-letter queue must be same type of queue as the source."
        if reason:
            raise invalid_value("RedrivePolicy", texts["RedrivePolicy"], reason)


def _check_name(name: str, texts: Mapping[str, str]) -> bool:
    """Whether the name asks for a FIFO queue. Raises if it is invalid or contradicts FifoQueue."""
    fifo = name.endswith(".fifo") and len(name) <= 80
    if not _NAME.fullmatch(name.removesuffix(".fifo") if fifo else name) or (
        fifo and texts.get("FifoQueue") != "true"
    ):
        raise invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )
    if not fifo and texts.get("FifoQueue") == "true":
        raise invalid(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
            "underscores, must end with .fifo suffix and be 1 to 80 in length."
        )
    return fifo


def _check_same(texts: Mapping[str, str], existing: Mapping[str, str]) -> None:
    for name, text in texts.items():
        if existing.get(name) != text:
            raise SqsError(
                "QueueNameExists",
                "A queue already exists with the same name and a different value for attribute "
                f"{name}",
            )


def _as_new(message: Message, now: float) -> Message:
    return replace(
        message,
        id=str(uuid.uuid4()),
        sent_at=now,
        state=State.GONE,
        receive_count=0,
        first_received_at=0.0,
        dead_letter_source=None,
    )
