"""When delays and visibility timeouts end: a heap that skips outdated entries, never seeks them."""

from heapq import heapify, heappop, heappush

from local.services.broker.message import Message, State

_SWEEP_FROM = 1024  # entries below which outdated ones are not worth a sweep
_TIMED = (State.DELAYED, State.IN_FLIGHT)

_Entry = tuple[float, int, Message]


class Timers:
    """The latest `set` of a message counts; one that is neither delayed nor in flight has none."""

    def __init__(self) -> None:
        self._heap: list[_Entry] = []
        self._entries = 0  # numbers the entries, so that equal times never compare messages
        self._sweep_at = _SWEEP_FROM

    def __len__(self) -> int:
        """Entries held, outdated ones included."""
        return len(self._heap)

    def set(self, message: Message, due: float) -> None:
        message.due = due
        self._entries += 1
        heappush(self._heap, (due, self._entries, message))
        if len(self._heap) > self._sweep_at:
            self._sweep()

    def pop_due(self, now: float) -> Message | None:
        """The next message whose time has come, or None."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            entry = heappop(heap)
            if _counts(entry):
                return entry[2]
        return None

    def next_due(self) -> float | None:
        """When the next time ends."""
        while self._heap and not _counts(self._heap[0]):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _sweep(self) -> None:
        """Drop outdated entries; not again before the heap has doubled, so O(1) for each `set`."""
        self._heap = [entry for entry in self._heap if _counts(entry)]
        heapify(self._heap)
        self._sweep_at = 2 * len(self._heap) + _SWEEP_FROM


def _counts(entry: _Entry) -> bool:
    due, _, message = entry
    return message.due == due and message.state in _TIMED
