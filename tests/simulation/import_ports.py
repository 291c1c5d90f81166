"""What imports stand on: an object store that is away at times, and a queue as bad as the other."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from tests.simulation.queue import Broker
from tests.simulation.world import Process, World
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import TryLater
from triggerfish.ports import ObjectMissing

CHUNK = 64
LONGEST_AWAY_SECONDS = 20.0


@dataclass
class Objects:
    """What all processes see of the store, by key."""

    world: World
    outage_rate: float
    whole: dict[str, bytes] = field(default_factory=dict)
    away_until: float = 0.0

    def reach(self, who: str, what: str) -> None:
        """Raises TryLater while the store is away."""
        world = self.world
        if world.chance(self.outage_rate):
            self.away_until = world.elapsed() + world.random.uniform(0, LONGEST_AWAY_SECONDS)
        if world.faults and world.elapsed() <= self.away_until:
            world.note(who, f"NO STORE {what}")
            raise TryLater("The object store is not reachable; try again shortly.")


class SimulatedStore:
    """The `ObjectStore` port of one process."""

    def __init__(self, objects: Objects, process: Process) -> None:
        self._objects = objects
        self._process = process

    @asynccontextmanager
    async def create(self, key: str) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
        pieces: list[bytes] = []

        async def write(data: bytes) -> None:
            await self._step(f"before a piece of {key}")
            pieces.append(data)

        yield write
        await self._step(f"before {key} is whole")
        self._objects.whole[key] = b"".join(pieces)
        await self._step(f"after {key} is whole")

    async def read(self, key: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        await self._step(f"before {key} is read")
        if key not in self._objects.whole:
            raise ObjectMissing(key)
        rest = self._objects.whole[key][offset:]
        for start in range(0, len(rest), CHUNK):
            yield rest[start : start + CHUNK]
            await self._step(f"in the middle of {key}")

    async def delete(self, key: str) -> None:
        await self._step(f"before {key} is deleted")
        self._objects.whole.pop(key, None)
        await self._step(f"after {key} is deleted")

    async def _step(self, label: str) -> None:
        await self._process.point(label)
        self._objects.reach(self._process.name, label)


class SimulatedJobQueue:
    """The `IdQueue` port of one process; to the broker an import is an event like any other."""

    def __init__(self, broker: Broker, process: Process) -> None:
        self._broker = broker
        self._process = process

    async def send(self, ids: Sequence[UUID]) -> list[UUID]:
        await self._process.point("before sending imports")
        now = self._process.world.now()
        taken = [id for id in ids if self._broker.take((EventRef(id, now, ""),), 0)]
        await self._process.point("after sending imports")
        return taken
