"""The simulated world around the platform: its time, its luck, its processes, and what they did."""

import asyncio
import base64
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Never
from uuid import UUID

from triggerfish.domain.errors import TryLater

START = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Crash(Exception):
    """The process that was called has died: there is no answer."""


class World:
    """One run's time, luck and trace. Every random choice of a run comes from its seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.trace: list[str] = []
        self.faults = True
        self.crash_rate = self.random.choice((0.0, 0.01, 0.03))
        self.outage_rate = self.random.choice((0.0, 0.0, 0.02))
        self.late_commits = self.random.choice((0.02, 0.1, 0.3))
        self.late_answers = self.random.choice((0.0, 0.2, 0.8))
        self.crashes = 0
        self.skew = timedelta()
        self.latest = START  # by the platform's own clock, which may be set back
        self.was_set_back = False
        self.is_calm = self.crash_rate == self.outage_rate == 0  # no reason to deliver twice

    def elapsed(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        now = START + self.skew + timedelta(microseconds=round(self.elapsed() * 1e6))
        self.latest = max(self.latest, now)
        return now

    def jump(self, seconds: float) -> None:
        """The clock is set; a lease may seem to be over at once."""
        self.skew += timedelta(seconds=seconds)
        self.was_set_back = self.was_set_back or seconds < 0
        self.is_calm = False

    def note(self, who: str, what: str) -> None:
        self.trace.append(f"{self.elapsed():12.3f} {self.now():%d %H:%M:%S.%f} {who:9} {what}")

    def late_commit(self) -> float:
        """Seconds that a commit takes, with the transaction's locks still held."""
        if self.random.random() >= self.late_commits:
            return 0.0
        return self.random.choice((0.001, 0.02, 0.02, 0.1, 0.4))

    def late_answer(self) -> float:
        """Seconds until the queue says that it has taken messages; they may be received before."""
        if self.random.random() >= self.late_answers:
            return 0.0
        return self.random.choice((0.02, 0.1, 0.5))

    @contextmanager
    def fair_weather(self) -> Iterator[None]:
        """Nothing fails inside, but all that is slow stays slow."""
        faults, self.faults = self.faults, False
        yield
        self.faults = faults

    def chance(self, probability: float) -> bool:
        return self.faults and self.random.random() < probability


class SimulatedClock:
    """The `Clock` port on the world's time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now()

    async def sleep_until(self, instant: datetime) -> None:
        while (left := (instant - self.now()).total_seconds()) > 0:
            await asyncio.sleep(left)


class SimulatedIds:
    """The `Ids` port on the world's luck."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def uuid7(self, at: datetime) -> UUID:
        random = self._random.getrandbits(74)
        return UUID(
            int=round(at.timestamp() * 1000) << 80
            | 7 << 76
            | (random >> 62) << 64
            | 2 << 62
            | random & (1 << 62) - 1
        )

    def token(self) -> str:
        return self.alphanumeric(43)

    def alphanumeric(self, characters: int) -> str:
        return "".join(self._random.choices(ALPHABET, k=characters))

    def signing_secret(self) -> str:
        return "whsec_" + base64.b64encode(self._random.randbytes(32)).decode()

    def nonce(self, length: int) -> bytes:
        return self._random.randbytes(length)

    def fraction(self) -> float:
        return self._random.random()


class Process:
    """One process of the platform; dead, it never comes back from any call to the outside."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.dead = asyncio.Event()
        self._frozen: list[asyncio.Future[None]] = []

    async def point(self, label: str) -> None:
        """A step to the outside: others may run first, and here the process may die."""
        self.go_on()
        await asyncio.sleep(self.world.random.choice((0.0, 0.0, 0.0, 0.001, 0.02)))
        self.go_on()
        if self.world.chance(self.world.crash_rate):
            self.world.note(self.name, f"DIES {label}")
            await self.die()

    def go_on(self) -> None:
        """End whatever task of a dead process still runs, in a way that nobody can miss."""
        if self.dead.is_set():
            raise asyncio.CancelledError

    async def die(self) -> Never:
        """End the process here and now; whoever called hears nothing any more."""
        self.world.crashes += 1
        self.dead.set()
        frozen: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._frozen.append(frozen)
        await frozen
        raise AssertionError("a dead process came back")

    def outage(self, label: str) -> None:
        """Perhaps the database is away at this moment. Raises TryLater."""
        if self.world.chance(self.world.outage_rate):
            self.world.note(self.name, f"NO DATABASE {label}")
            raise TryLater("The database is not reachable; try again shortly.")

    async def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What `work` returns or raises; Crash if the process dies before it is done."""
        task = asyncio.ensure_future(work)
        death = asyncio.ensure_future(self.dead.wait())
        await asyncio.wait({task, death}, return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        if not self.dead.is_set():
            return await task
        for frozen in self._frozen:
            frozen.cancel()
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # whatever it was, nobody heard of it
        raise Crash
