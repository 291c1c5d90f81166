"""The five-minute memory of a FIFO queue: deduplication ids and what was accepted under them."""

from collections import OrderedDict

from local.services.broker.message import Message

WINDOW_SECONDS = 300


class Deduplication:
    """Remembers ids whatever became of their messages: AWS tracks them even after deletion."""

    def __init__(self) -> None:
        self._first: OrderedDict[object, tuple[float, str, int]] = OrderedDict()

    def original(self, key: object, now: float) -> tuple[str, int] | None:
        """Message id and sequence number accepted under `key` within the window, or None."""
        while self._first:
            oldest = next(iter(self._first))
            if self._first[oldest][0] + WINDOW_SECONDS > now:
                break
            del self._first[oldest]
        found = self._first.get(key)
        return None if found is None else (found[1], found[2])

    def remember(self, key: object, message: Message, now: float) -> None:
        self._first[key] = (now, message.id, message.sequence)
