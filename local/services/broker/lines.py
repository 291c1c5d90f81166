"""Where ready messages stand in line: as they come, or by message group in FIFO queues.

A line may still hold a message that is not ready any more; whoever takes it checks its state.
"""

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Protocol

from local.services.broker.message import Message


class Line(Protocol):
    @property
    def available(self) -> int:
        """How many receivers could be served; may be too high, never 0 by mistake."""

    def add(self, message: Message) -> None: ...

    def take(self) -> Message | None:
        """The next message; several takes between two `close` calls form one receive."""

    def hold(self, message: Message) -> None:
        """The message went in flight."""

    def release(self, message: Message) -> None:
        """The message is not in flight any more."""

    def close(self) -> None:
        """One receive is complete."""


class StandardLine:
    def __init__(self) -> None:
        self._ready: deque[Message] = deque()

    @property
    def available(self) -> int:
        return len(self._ready)

    def add(self, message: Message) -> None:
        self._ready.append(message)

    def take(self) -> Message | None:
        return self._ready.popleft() if self._ready else None

    def hold(self, message: Message) -> None: ...

    def release(self, message: Message) -> None: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class _Group:
    name: str
    ready: list[tuple[int, Message]] = field(default_factory=list)  # a heap by sequence number
    in_flight: int = 0
    listed: bool = False


class FifoLine:
    """Messages of a group leave in order, and none leaves while another of its group is in flight.

    One receive may take several messages of a group, as on AWS.
    """

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._open: deque[_Group] = deque()  # groups with ready messages and none in flight

    @property
    def available(self) -> int:
        return len(self._open)

    def add(self, message: Message) -> None:
        group = self._group(message)
        heappush(group.ready, (message.sequence, message))
        self._list(group)

    def take(self) -> Message | None:
        while self._open:
            group = self._open[0]
            if group.ready:
                return heappop(group.ready)[1]
            self._unlist()
        return None

    def hold(self, message: Message) -> None:
        self._group(message).in_flight += 1

    def release(self, message: Message) -> None:
        group = self._group(message)
        group.in_flight -= 1
        self._list(group)
        self._forget_if_empty(group)

    def close(self) -> None:
        if self._open and (self._open[0].in_flight or not self._open[0].ready):
            self._unlist()

    def _group(self, message: Message) -> _Group:
        name = message.group or ""
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group(name)
        return group

    def _list(self, group: _Group) -> None:
        if group.ready and not group.in_flight and not group.listed:
            group.listed = True
            self._open.append(group)

    def _unlist(self) -> None:
        group = self._open.popleft()
        group.listed = False
        self._forget_if_empty(group)

    def _forget_if_empty(self, group: _Group) -> None:
        if not group.ready and not group.in_flight and not group.listed:
            self._groups.pop(group.name, None)
