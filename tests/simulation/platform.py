"""The whole platform inside one process: its functions as processes that die and are started again."""

import asyncio
from bisect import insort
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, cast

from tests.conftest import ENCRYPTION_KEYS
from tests.simulation.customers import Endpoints, SimulatedSender
from tests.simulation.database import SimulatedDatabase, Storage
from tests.simulation.import_ports import Objects, SimulatedJobQueue, SimulatedStore
from tests.simulation.queue import Broker, SimulatedQueue
from tests.simulation.world import Crash, Process, SimulatedClock, SimulatedIds, World
from triggerfish.adapters.db.engine import Database
from triggerfish.domain.access import SCOPES, Principal
from triggerfish.domain.errors import TryLater
from triggerfish.settings import Settings
from triggerfish.usecases.deliver import deliver
from triggerfish.usecases.process_log_file import process_log_file
from triggerfish.usecases.retention import run_retention
from triggerfish.usecases.sweep_jobs import sweep_jobs
from triggerfish.usecases.tick import tick
from triggerfish.wiring import Wiring

WORKERS = ("worker-1", "worker-2")
Call = Callable[[Wiring], Coroutine[Any, Any, Any]]


class Platform:
    """Processes by name over one database, one queue and the customers' endpoints."""

    def __init__(self, world: World, storage: Storage) -> None:
        self.world = world
        self.storage = storage
        self.broker = Broker(world)
        self.imports = Broker(world)
        self.objects = Objects(world, outage_rate=world.random.choice((0.0, 0.0, 0.05)))
        self.endpoints = Endpoints(world)
        self.ids = SimulatedIds(world.random)
        lookahead, self.tick_seconds = world.random.choice(((2, 2), (5, 5), (10, 8), (150, 60)))
        self.settings = Settings(
            database_url=storage.url,
            encryption_keys=ENCRYPTION_KEYS,
            lookahead_seconds=lookahead,
            endpoint_concurrency=world.random.choice((1, 2, 5)),
            horizon_line_delay_seconds=world.random.choice((0, 0, 5)),
        )
        self.looks: list[datetime] = []  # when ticks that did all their work looked
        self.tick_paused_until = 0.0
        self._processes: dict[str, tuple[Process, Wiring]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> Principal:
        """Start everything that works by itself; the caller that all requests are of."""
        now = self.world.now()
        caller = Principal(self.ids.uuid7(now), self.ids.uuid7(now), frozenset(SCOPES))
        self.storage.execute(
            "INSERT INTO projects VALUES (%s, 'default', %s)", (caller.project_id, now)
        )
        loops = [self._tick_forever()] + [self._work_forever(name) for name in WORKERS * 4]
        loops += [self._import_forever(name) for name in WORKERS]
        self._tasks = [asyncio.ensure_future(loop) for loop in loops]
        return caller

    async def end(self) -> None:
        """Stop it; a loop that ended by itself has failed, and its error is raised."""
        for task in self._tasks:
            if task.done():
                await task
            task.cancel()
        await asyncio.wait(self._tasks)

    async def call(self, name: str, work: Call) -> Any:
        """Run `work` in a process. Raises Crash when that dies; the next call finds another one."""
        if name not in self._processes:
            self._processes[name] = self._start(name)
        process, parts = self._processes[name]
        try:
            return await process.run(work(parts))
        except Crash:
            if self._processes.get(name, (None,))[0] is process:
                del self._processes[name]
            raise

    async def kill(self, name: str) -> None:
        """From outside, whatever it does just now."""
        if name in self._processes:
            process, _ = self._processes.pop(name)
            self.world.note(name, "IS KILLED")
            self.world.crashes += 1
            process.dead.set()

    async def tick_once(self) -> None:
        began = self.world.now()
        try:
            report = await self.call(
                "tick", lambda parts: tick(self.settings.lookahead, parts.tick)
            )
        except (Crash, TryLater):
            return
        insort(self.looks, began)
        if any(report.counts().values()):
            self.world.note("tick", str(report.counts()))

    async def retain_once(self) -> bool:
        """One run of retention; whether it got to its end."""
        try:
            report = await self.call("retention", lambda parts: run_retention(parts.retention))
        except (Crash, TryLater):
            return False
        self.world.note("retention", str(report.counts()))
        return True

    async def sweep_imports_once(self) -> None:
        try:
            report = await self.call("sweep", lambda parts: sweep_jobs(parts.sweep_jobs))
        except (Crash, TryLater):
            return
        if any(report.counts().values()):
            self.world.note("sweep", str(report.counts()))

    async def _tick_forever(self) -> None:
        while True:
            if self.world.elapsed() >= self.tick_paused_until:
                await self.tick_once()
            await asyncio.sleep(self.tick_seconds)

    async def _work_forever(self, name: str) -> None:
        while True:
            batch = await self.broker.receive()
            messages = [message.refs for message in batch]
            if not messages:
                continue
            try:
                failed = await self.call(
                    name,
                    lambda parts, messages=messages: deliver(messages, parts.deliver),  # type: ignore[misc]
                )
            except Crash:
                await asyncio.sleep(self.world.random.choice((0.5, 3.0)))
            except TryLater:
                await asyncio.sleep(0.2)
            else:
                self.broker.answer(batch, failed)

    async def _import_forever(self, name: str) -> None:
        while True:
            for message in await self.imports.receive():
                id = message.refs[0].event_id
                try:
                    await self.call(
                        name,
                        lambda parts, id=id: process_log_file(id, parts.process_log_file),  # type: ignore[misc]
                    )
                except Crash:
                    await asyncio.sleep(self.world.random.choice((0.5, 3.0)))
                except TryLater:
                    await asyncio.sleep(0.2)
                else:
                    left = self.imports.messages
                    self.imports.messages = [one for one in left if one is not message]

    def _start(self, name: str) -> tuple[Process, Wiring]:
        process = Process(self.world, name)
        parts = Wiring(self.settings, clock=SimulatedClock(self.world))
        parts.ids = cast(Any, self.ids)
        parts.journal = cast(Any, _Silence())
        parts.__dict__ |= {
            "database": cast(Database, SimulatedDatabase(self.storage, process)),
            "queue": SimulatedQueue(self.broker, process),
            "sender": SimulatedSender(self.endpoints, process),
            "job_queue": SimulatedJobQueue(self.imports, process),
            "object_store": SimulatedStore(self.objects, process),
        }
        return process, parts


class _Silence:
    """The `Journal` port: the trace says more."""

    def accepted(self, event_id: object, *, source: object, trigger_id: object) -> None:
        pass

    def replayed(self, replays: object) -> None:
        pass

    def fired(self, refs: object, *, skipped: int) -> None:
        pass

    def attempted(self, outcome: object, *, recorded: bool) -> None:
        pass

    def held(self, event: object) -> None:
        pass

    def disabled(self, event: object, *, reason: str) -> None:
        pass
