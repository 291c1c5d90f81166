"""A queue as bad as the contract of SQS allows: it loses, doubles, delays and shuffles messages."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tests.simulation.world import Process, World
from triggerfish.domain.delivery import EventRef

VISIBILITY_SECONDS = 40.0
MAX_RECEIVES = 5
BATCH = 10


@dataclass
class Message:
    refs: tuple[EventRef, ...]
    visible_at: float  # of the loop's time
    receives: int = 0


TIMERS_ARE_EARLY = 1e-6
"""Seconds: asyncio's timers may ring that much before their time."""


class Broker:
    """The one queue that all processes share."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.messages: list[Message] = []
        self.dead: list[Message] = []
        self.strays: set[UUID] = set()  # events that never were, and that messages here are about
        self.refused: set[UUID] = set()  # what workers took for such
        self.wiped: set[UUID] = set()
        self._arrival = asyncio.Event()
        random = world.random
        self.loss = random.choice((0.0, 0.0, 0.1, 0.4))
        self.refusal = random.choice((0.0, 0.0, 0.2))
        self.doubling = random.choice((0.0, 0.1, 0.4))
        self.delay = random.choice((0.0, 0.1, 0.3))

    def take(self, refs: tuple[EventRef, ...], delay: float) -> bool:
        """Accept a message, or not; an accepted one may be lost all the same."""
        world = self._world
        if world.chance(self.refusal):
            world.note("queue", f"REFUSES {_ids(refs)}")
            return False
        if world.chance(self.loss):
            world.note("queue", f"LOSES {_ids(refs)}")
            return True
        copies = 2 if world.chance(self.doubling) else 1
        for _ in range(copies):
            late = world.random.uniform(0, 90) if world.chance(self.delay) else 0.0
            self.messages.append(Message(refs, world.elapsed() + delay + late))
        self._arrival.set()
        return True

    def stray(self, ref: EventRef) -> None:
        """A message of the right form that nobody of ours has sent."""
        self.strays.add(ref.event_id)
        self.messages.append(Message((ref,), self._world.elapsed()))
        self._arrival.set()

    async def receive(self) -> list[Message]:
        """Up to ten visible messages, in any order; waits until there is one."""
        while True:
            now = self._world.elapsed()
            visible = [one for one in self.messages if one.visible_at <= now + TIMERS_ARE_EARLY]
            if visible:
                return self._hand_out(visible, now)
            self._arrival.clear()
            wait = min((message.visible_at for message in self.messages), default=None)
            try:
                async with asyncio.timeout_at(wait):
                    await self._arrival.wait()
            except TimeoutError:
                continue

    def _hand_out(self, visible: list[Message], now: float) -> list[Message]:
        self._world.random.shuffle(visible)
        batch = []
        for message in visible[:BATCH]:
            message.receives += 1
            message.visible_at = now + VISIBILITY_SECONDS
            if message.receives > MAX_RECEIVES:
                self.messages.remove(message)
                self.dead.append(message)
            else:
                batch.append(message)
        return batch

    def answer(self, batch: Sequence[Message], failed: Sequence[tuple[EventRef, ...]]) -> None:
        """What did not fail is done; the rest comes again."""
        self.refused |= {ref.event_id for refs in failed for ref in refs}
        done = [message for message in batch if message.refs not in failed]
        self.messages = [one for one in self.messages if not any(one is other for other in done)]

    def wipe(self) -> None:
        self.wiped |= {ref.event_id for message in self.messages for ref in message.refs}
        self.messages.clear()


class SimulatedQueue:
    """The `Queue` port of one process."""

    def __init__(self, broker: Broker, process: Process) -> None:
        self._broker = broker
        self._process = process

    async def send(self, refs: Sequence[EventRef], *, now: datetime) -> list[EventRef]:
        if not refs:
            return []
        await self._process.point("before sending messages")
        taken: list[EventRef] = []
        for delay, group in _by_delay(refs, now).items():
            if self._broker.take(tuple(group), delay):
                taken += group
        await asyncio.sleep(self._process.world.late_answer())
        await self._process.point("after sending messages")
        return taken

    async def waiting(self) -> int:
        return len(self._broker.messages)


def _by_delay(refs: Sequence[EventRef], now: datetime) -> dict[int, list[EventRef]]:
    groups: dict[int, list[EventRef]] = {}
    for ref in refs:
        delay = min(max(int((ref.due_at - now).total_seconds()), 0), 900)
        groups.setdefault(delay, []).append(ref)
    return groups


def _ids(refs: Sequence[EventRef]) -> str:
    return " ".join(str(ref.event_id) for ref in refs)
