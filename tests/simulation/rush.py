"""A rush: many calls for few endpoints in fair weather, watched for an event that nobody takes."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.simulation.model import Lost
from tests.simulation.platform import WORKERS
from tests.simulation.requests import Customer

SILENCE = timedelta(seconds=1.5)
"""A second, and what the world adds: commits and messages that are answered late."""
LOOK_SECONDS = 0.2
LONGEST_SECONDS = 90.0
CALM_SECONDS = 20.0
"""After so long nobody waits any more for an endpoint that hangs, or for a worker that died."""
WORK_SECONDS = (0.0, 2.0, 25.0)
"""How long all workers have to do with a rush; an invocation gives up before the longest of them."""
HOLD = """
    SELECT FROM event_logs_active WHERE status = 'pending' ORDER BY id LIMIT 5
       FOR UPDATE SKIP LOCKED
"""
OPEN = """
    SELECT id, endpoint_key, status FROM event_logs_active
     WHERE status = 'delivering'
        OR (status = 'pending' AND next_attempt_at <= %s AND fired_at >= %s)
     ORDER BY id
"""


class Rush:
    """Many calls at once. Nothing fails meanwhile, but commits, messages and endpoints are slow."""

    def __init__(self, customer: Customer, *, every_slot: bool) -> None:
        self._customer = customer
        self._platform = customer.platform
        self._world = customer.world
        self._every_slot = every_slot

    async def run(self) -> None:
        with self._world.fair_weather():
            self._platform.tick_paused_until = 0.0
            await asyncio.sleep(CALM_SECONDS)
            settings = self._platform.settings
            enough = settings.endpoint_concurrency if self._every_slot else 1
            watch = Watch(self._customer, self._world.now(), enough)
            calls = asyncio.ensure_future(self._call())
            holder = asyncio.ensure_future(self._hold_rows())
            until = self._world.elapsed() + LONGEST_SECONDS
            while self._world.elapsed() < until:
                await asyncio.sleep(LOOK_SECONDS)
                is_left = watch.look()
                if calls.done() and not is_left:
                    break
            await calls
            holder.cancel()
            await asyncio.wait({holder})
            self._platform.endpoints.pace_seconds = 0.0

    async def _hold_rows(self) -> None:
        """Now and then somebody holds rows that wait, as a repair by hand does."""
        random = self._world.random
        while True:
            await asyncio.sleep(random.uniform(0, 2))
            await self._platform.storage.hold(HOLD, random.choice((0.02, 0.1, 0.4)))

    async def _call(self) -> None:
        random = self._world.random
        before = set(self._customer.hooks)
        for _ in range(random.choice((1, 1, 2))):
            await self._customer.create_api()
        triggers = sorted(set(self._customer.hooks) - before)
        if not triggers:  # the process that was to make them has died
            return
        calls, within = random.choice((8, 20, 40)), random.choice((0.0, 0.5, 3.0))
        lasts = random.choice(WORK_SECONDS)
        slots = self._platform.settings.endpoint_concurrency * len(WORKERS)
        self._platform.endpoints.pace_seconds = 2 * lasts * slots / calls
        self._world.note("customer", f"RUSHES: {calls} calls within {within} s, work for {lasts} s")

        async def call() -> None:
            await asyncio.sleep(random.uniform(0, within))
            await self._customer.fire(random.choice(triggers))

        await asyncio.gather(*(call() for _ in range(calls)))


class Watch:
    """Sees each due event that waits while fewer than `enough` of its endpoint are under way."""

    def __init__(self, customer: Customer, began: datetime, enough: int) -> None:
        self._enough = enough
        self._platform = customer.platform
        self._world = customer.world
        self._began = began
        self._due_since: dict[UUID, datetime] = {}
        self._full_until: dict[str, datetime] = {}

    def look(self) -> bool:
        """Whether anything waits or is under way. Raises Lost when an event is not taken."""
        now = self._world.now()
        rows = self._platform.storage.execute(OPEN, (now, self._began))
        waiting = [row for row in rows if row.status == "pending"]
        self._due_since = {row.id: self._due_since.get(row.id, now) for row in waiting}
        self._note_full([row.endpoint_key for row in rows if row.status == "delivering"], now)
        for row in waiting:
            self._judge(row, now)
        return bool(rows)

    def _note_full(self, under_way: list[str], now: datetime) -> None:
        for key in set(under_way):
            if under_way.count(key) >= self._enough:
                self._full_until[key] = now

    def _judge(self, event: Any, now: datetime) -> None:
        since = max(
            self._due_since[event.id], self._full_until.get(event.endpoint_key, self._began)
        )
        if now - since > SILENCE:
            seconds = (now - since).total_seconds()
            raise Lost(f"I13: {event.id} is due, a slot is free, and nobody comes for {seconds} s")
