"""One queue's state machine: delays, visibility, receive counts, redrive, retention.

No I/O; time is an argument, in seconds since the epoch.

    send ──► DELAYED ──due──► READY ──receive──► IN_FLIGHT ──delete──► GONE
                                ▲                    │
                                └──── visibility ────┘

A send costs O(log n) and a receive O(log n) a message, whatever else is delayed or in flight.
"""

from dataclasses import dataclass

from local.services.broker.dedup import Deduplication
from local.services.broker.errors import SqsError, invalid_value
from local.services.broker.lines import FifoLine, Line, StandardLine
from local.services.broker.message import Message, State
from local.services.broker.settings import Settings
from local.services.broker.timers import Timers

IN_FLIGHT_LIMIT = 120_000  # AWS's quota for both queue types


@dataclass(frozen=True, slots=True)
class Received:
    """What one receive took: messages for the client, and those given up, for the DLQ."""

    messages: list[Message]
    dead: list[Message]


@dataclass(frozen=True, slots=True)
class Counts:
    ready: int
    in_flight: int
    delayed: int


class Queue:
    """`tag` makes receipt handles of this queue recognisable; it holds no dot."""

    def __init__(self, name: str, tag: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self._tag = tag
        self._line: Line = FifoLine() if settings.fifo else StandardLine()
        self._messages: dict[str, Message] = {}
        self._timers = Timers()  # for what is delayed or in flight
        self._sequence = 0
        self._latest_due = 0.0
        self._count = dict.fromkeys(State, 0)
        self._dedup = Deduplication()

    # -- sending ----------------------------------------------------------------------------------

    def send(self, message: Message, delay: int | None, now: float) -> tuple[str, int]:
        """Accept a message; `delay` in seconds, None for the queue's own.

        Returns the message id and the sequence number: the first ones for a FIFO duplicate.
        """
        if not self.settings.fifo:
            self.put(message, self.settings.delay if delay is None else delay, now)
            return message.id, 0
        scope = message.group if self.settings.dedup_by_group else None
        key = (scope, message.dedup_id)
        if (original := self._dedup.original(key, now)) is not None:
            return original
        self.put(message, self.settings.delay, now)
        self._dedup.remember(key, message, now)
        return message.id, message.sequence

    def put(self, message: Message, delay: float, now: float) -> None:
        """Enqueue without deduplication: a new message, a dead letter or a redriven one."""
        self._messages[message.id] = message
        due = now + delay
        if self.settings.fifo:
            self._sequence += 1
            message.sequence = self._sequence
            due = self._latest_due = max(due, self._latest_due)  # no overtaking within a queue
        if due > now:
            self._hold_until(due, message, State.DELAYED)
        else:
            self._to_line(message)

    # -- receiving --------------------------------------------------------------------------------

    def receive(
        self, limit: int, now: float, visibility: int | None = None, max_receives: int | None = None
    ) -> Received:
        """Take up to `limit` messages for `visibility` seconds (None: the queue's own).

        A message received `max_receives` times already is given up instead (None: never).
        """
        self._promote(now)
        if self._count[State.IN_FLIGHT] >= IN_FLIGHT_LIMIT:
            raise SqsError("OverLimit", f"{IN_FLIGHT_LIMIT} messages are in flight.")
        hidden_for = self.settings.visibility if visibility is None else visibility
        taken = Received([], [])
        while len(taken.messages) < limit and (message := self._line.take()) is not None:
            if message.state is not State.READY or self._drop_if_expired(message, now):
                continue
            if max_receives is not None and message.receive_count >= max_receives:
                self._remove(message)
                taken.dead.append(message)
                continue
            self._hand_out(message, now, now + hidden_for)
            taken.messages.append(message)
        self._line.close()
        return taken

    def receipt_handle(self, message: Message) -> str:
        """The handle of the message's latest receive."""
        return f"{self._tag}.{message.id}.{message.receive_count}"

    def delete(self, handle: str, now: float) -> None:
        """Delete by handle. An old handle is accepted and deletes nothing on a standard queue."""
        self._promote(now)
        message, is_latest = self._find(handle)
        if message is None:
            return
        if self.settings.fifo and not (is_latest and message.state is State.IN_FLIGHT):
            raise invalid_value("ReceiptHandle", handle, "The receipt handle has expired.")
        if is_latest:
            self._remove(message)
            message.body = ""  # its timer entry may outlive it for a while

    def change_visibility(self, handle: str, seconds: int, now: float) -> None:
        """Hide a received message for `seconds` from now; 0 makes it ready at once."""
        self._promote(now)
        message, is_latest = self._find(handle)
        held = message is not None and message.state is State.IN_FLIGHT
        if message is None or not is_latest or (self.settings.fifo and not held):
            raise invalid_value(
                "ReceiptHandle",
                handle,
                "Message does not exist or is not available for visibility timeout change.",
            )
        if held and seconds == 0:
            self._line.release(message)
            self._to_line(message)
            return
        if not held:
            self._line.hold(message)
        self._hold_until(now + seconds, message, State.IN_FLIGHT)

    # -- looking ----------------------------------------------------------------------------------

    def counts(self, now: float) -> Counts:
        """Exact numbers at `now`; drops what has outlived its retention."""
        self._promote(now)
        for message in self._oldest_expired(now):
            self._remove(message)
        count = self._count
        return Counts(count[State.READY], count[State.IN_FLIGHT], count[State.DELAYED])

    def available(self, now: float) -> int:
        """How many receivers could be served at `now`; with 0 a receive would find nothing."""
        self._promote(now)
        return self._line.available

    def next_due(self) -> float | None:
        """When the next delay or visibility timeout ends."""
        return self._timers.next_due()

    # -- emptying ---------------------------------------------------------------------------------

    def purge(self) -> None:
        """Forget every message, in flight or not. The deduplication memory stays."""
        for message in self._messages.values():
            message.state = State.GONE
        self._messages.clear()
        self._timers = Timers()
        self._count = dict.fromkeys(State, 0)
        self._line = FifoLine() if self.settings.fifo else StandardLine()

    def drain(self, now: float) -> list[Message]:
        """Remove and return all ready messages, as a message move task does."""
        self._promote(now)
        drained = [m for m in self._messages.values() if m.state is State.READY]
        for message in drained:
            self._remove(message)
        return drained

    # -- state changes ----------------------------------------------------------------------------

    def _set_state(self, message: Message, state: State) -> None:
        self._count[message.state] -= 1
        self._count[state] += 1
        message.state = state

    def _to_line(self, message: Message) -> None:
        self._set_state(message, State.READY)
        self._line.add(message)

    def _hand_out(self, message: Message, now: float, due: float) -> None:
        message.receive_count += 1
        message.first_received_at = message.first_received_at or now
        self._line.hold(message)
        self._hold_until(due, message, State.IN_FLIGHT)

    def _remove(self, message: Message) -> None:
        if message.state is State.IN_FLIGHT:
            self._line.release(message)
        self._set_state(message, State.GONE)
        del self._messages[message.id]

    def _drop_if_expired(self, message: Message, now: float) -> bool:
        expired = message.sent_at + self.settings.retention <= now
        if expired:
            self._remove(message)
        return expired

    def _oldest_expired(self, now: float) -> list[Message]:
        """Messages in order of arrival up to the first that is young enough."""
        expired: list[Message] = []
        for message in self._messages.values():
            if message.sent_at + self.settings.retention > now:
                break
            expired.append(message)
        return expired

    def _find(self, handle: str) -> tuple[Message | None, bool]:
        """The message of a handle, if it still exists, and whether the handle is its latest."""
        tag, _, rest = handle.partition(".")
        message_id, _, count = rest.partition(".")
        if tag != self._tag or not count.isdecimal():
            raise SqsError(
                "ReceiptHandleIsInvalid",
                f'The input receipt handle "{handle}" is not a valid receipt handle.',
            )
        message = self._messages.get(message_id)
        return message, message is not None and message.receive_count == int(count)

    def _hold_until(self, due: float, message: Message, state: State) -> None:
        self._set_state(message, state)
        self._timers.set(message, due)

    def _promote(self, now: float) -> None:
        """Put everything whose time has come in line."""
        while (message := self._timers.pop_due(now)) is not None:
            if message.state is State.IN_FLIGHT:
                self._line.release(message)
            self._to_line(message)
