"""One run: a seed becomes a platform, its customers, their bad luck, and at the end a verdict."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import psycopg

from tests.simulation.customers import MOODS
from tests.simulation.database import Storage
from tests.simulation.imports import Importer
from tests.simulation.loop import VirtualLoop
from tests.simulation.model import Lost, Model
from tests.simulation.platform import WORKERS, Platform
from tests.simulation.requests import GONE_HOST, HOSTS, Customer
from tests.simulation.rush import Rush
from tests.simulation.world import World
from triggerfish.adapters.db.invariants import QueueReading, Reading, check_invariants
from triggerfish.domain.delivery import EventRef

STEPS = 25
RUSHES = 3
MAX_BACK_SECONDS = 50
# Archived events of a busy endpoint are done one a minute: a freed slot does not pull them.
SETTLING_TICKS = 120
OPEN = """
    SELECT min(next_attempt_at) FROM (
        SELECT next_attempt_at FROM event_logs_active WHERE status IN ('pending', 'delivering')
        UNION ALL
        SELECT next_attempt_at FROM event_logs_archive WHERE status IN ('pending', 'delivering')) e
"""


def is_rush(seed: int) -> bool:
    return seed % 4 == 3


@dataclass(frozen=True)
class Result:
    """What a seed came to: its trace, and what was broken (None when nothing was)."""

    seed: int
    trace: list[str]
    error: str | None
    crashes: int
    deliveries: int


def simulate(seed: int, storage: Storage, *, every_slot: bool = False) -> Result:
    """Run a seed from the beginning; the database is emptied first."""
    storage.clear()
    world = World(seed)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        simulation = Simulation(world, storage, every_slot=every_slot)
        error = runner.run(simulation.run())
    receipts = len(simulation.platform.endpoints.receipts)
    return Result(seed, world.trace, error, world.crashes, receipts)


class Simulation:
    """One platform, its customer and its misfortunes, and the verdict."""

    def __init__(self, world: World, storage: Storage, *, every_slot: bool) -> None:
        self.world = world
        self.random = world.random
        self.platform = Platform(world, storage)
        self.model = Model(self.platform)
        self.set_back = 0.0
        self.every_slot = every_slot

    async def run(self) -> str | None:
        self.customer = Customer(self.platform, self.model, self.platform.begin())
        self.importer = Importer(self.platform, self.customer)
        self.rush = Rush(self.customer, every_slot=self.every_slot)
        try:
            await self._happen()
            await self._recover()
            await self.importer.settle()
            await self._settle()
            if self.world.seed % 2:
                await self._age()
            if await self.customer.release_all():  # which resumes triggers
                await self._end_schedules()
                await self._settle()
            self._judge(retained=True)
            self.model.check_at_rest()
            self.importer.check()
            await self.platform.end()
        except (Lost, AssertionError) as broken:
            return str(broken)
        except psycopg.Error as broken:  # not that it is away: a statement that must not fail
            return f"Postgres refused: {broken}"
        return None

    async def _happen(self) -> None:
        """Every fourth run is about nothing but rushes: it is short, and finds what stands still."""
        if is_rush(self.world.seed):
            for _ in range(RUSHES):
                await self.rush.run()
            return
        for step in range(STEPS):
            await asyncio.sleep(self.random.choice((0.0, 0.1, 1.0, 3.0, 8.0, 20.0)))
            await self._step(step)

    async def _step(self, step: int) -> None:
        actions: tuple[tuple[int, Callable[[], Awaitable[None]]], ...] = (
            (8, self.customer.create_scheduled),
            (5, self.customer.create_api),
            (12, self.customer.call_webhooks),
            (6, self.customer.call_with_key),
            (1, self.rush.run),
            (8, self.customer.edit),
            (5, self.customer.pause_or_resume),
            (2, self.customer.delete),
            (4, self.customer.test),
            (4, self.customer.replay),
            (2, self.customer.rotate),
            (4, self.customer.release),
            (4, self.importer.upload),
            (1, self.importer.delete),
            (4, self.retention),
            (6, self.change_mood),
            (3, self.jump),
            (2, self.pause_the_tick),
            (2, self.kill),
            (1, self.wipe_the_queue),
            (2, self.stray_message),
        )
        weights = [weight for weight, _ in actions]
        action = self.random.choices([action for _, action in actions], weights)[0]
        await self.platform.sweep_imports_once()
        if step < 3:
            action = (
                self.customer.create_scheduled,
                self.customer.create_api,
                self.customer.call_webhooks,
            )[step]
        await action()
        self.model.observe()

    # What befalls everybody

    async def retention(self) -> None:
        await self.platform.retain_once()

    async def change_mood(self) -> None:
        host = self.random.choice((*HOSTS, GONE_HOST))
        mood = "is gone" if host == GONE_HOST else self.random.choice(MOODS)
        self.platform.endpoints.moods[host] = mood
        self.world.note(host, mood)

    async def jump(self) -> None:
        """The clock is corrected, or the machine was asleep."""
        seconds = self.random.choice((-30.0, -5.0, 20.0, 600.0, 7_300.0, 100_000.0, 180_000.0))
        if seconds < 0 and self.set_back - seconds > MAX_BACK_SECONDS:
            return
        self.set_back = max(self.set_back - seconds, 0.0)
        if seconds > 86_400:
            self.model.check()  # as long as the logs are kept
        self.world.note("clock", f"JUMPS by {seconds} s")
        self.world.jump(seconds)

    async def pause_the_tick(self) -> None:
        seconds = self.random.choice((90, 3_600))
        self.world.note("tick", f"PAUSES for {seconds} s")
        self.platform.tick_paused_until = self.world.elapsed() + seconds
        await asyncio.sleep(self.random.choice((5, seconds)))

    async def kill(self) -> None:
        self.world.is_calm = False
        await self.platform.kill(self.random.choice(("api", "tick", *WORKERS)))

    async def wipe_the_queue(self) -> None:
        self.world.note("queue", "IS WIPED")
        self.platform.broker.wipe()
        self.platform.imports.wipe()

    async def stray_message(self) -> None:
        """Somebody sends what looks like a job: about an event that never was."""
        now, ids = self.world.now(), self.platform.ids
        id = self.random.choice((ids.uuid7(now), UUID(int=self.random.getrandbits(128), version=4)))
        like = [ref for message in self.platform.broker.messages for ref in message.refs]
        due_at = now + timedelta(seconds=self.random.choice((0, 2, 7_200)))
        ref = EventRef(id, due_at, "nobody's")
        if like and self.random.random() < 0.7:
            ref = replace(self.random.choice(like), event_id=id)
        self.world.note("queue", f"STRAY {id}")
        self.platform.broker.stray(ref)

    # How it ends

    async def _recover(self) -> None:
        """Luck turns: in a few ticks everything that is due has fired. Then the schedules end."""
        self.world.note("world", "NO MORE FAULTS")
        self.world.faults = False
        self.platform.tick_paused_until = 0.0
        for _ in range(5):  # 100 occurrences of a trigger in each
            await self.platform.tick_once()
        self._judge(retained=False)
        await self._end_schedules()

    async def _end_schedules(self) -> None:
        self.model.observe()
        await self.customer.pause_all()
        self.model.observe()

    async def _settle(self) -> None:
        """Wait until everything that was promised is done."""
        self.platform.tick_seconds = 30
        for _ in range(SETTLING_TICKS):
            await asyncio.sleep(30)
            await self.platform.tick_once()
            [[earliest]] = self.platform.storage.execute(OPEN)
            if earliest is None and not self.platform.broker.messages:
                break
            if earliest is not None and earliest > self.world.now():
                await asyncio.sleep((earliest - self.world.now()).total_seconds())
        else:
            raise Lost(f"I4: an event that was due at {earliest} is never done")
        assert await self.platform.retain_once()

    async def _age(self) -> None:
        """Let what is held go into the archive."""
        await asyncio.sleep(timedelta(hours=2, minutes=5).total_seconds())
        assert await self.platform.retain_once()

    def _judge(self, *, retained: bool) -> None:
        self.model.observe()
        self.model.check()
        now = self.world.now()
        dead = tuple(ref.event_id for message in self.platform.broker.dead for ref in message.refs)
        if (
            not self.world.is_calm
        ):  # a job of five processes that died is given up: the sweep has it
            dead = ()
        queue = QueueReading(len(self.platform.broker.messages), dead)
        reading = Reading(
            now,
            self.platform.settings.retention,
            ticked_at=now,
            retained_at=now if retained else None,
            queue=queue if retained else None,
        )
        for verdict in check_invariants(self.platform.storage.url, reading):
            if verdict.broken:
                rule = verdict.rule
                raise Lost(f"{rule.invariant}: {rule.says}: {dict(verdict.examples[0])}")
