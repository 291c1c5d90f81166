"""The other tenant: `python -m tests.attack.tenant` calls and is delivered to, and times both.

A process of its own, so that the load of an attack is not taken for its effect. Reads its orders
as JSON on stdin, prints what it measured as JSON.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp

from tests.attack.receivers import GOOD_NAME
from tests.receiver import Receiver

PAUSE_SECONDS = 0.05
LATE_SECONDS = 15.0
"""How long deliveries may take to arrive once the last call was made."""


@dataclass
class Timings:
    """Milliseconds: of calls by their kind, and from a call to its delivery."""

    calls: list[float] = field(default_factory=list)
    alive: list[float] = field(default_factory=list)
    deliveries: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0


class Tenant:
    """Works until `seconds` are over."""

    def __init__(self, session: aiohttp.ClientSession, receiver: Receiver, seconds: float) -> None:
        self._session, self._receiver = session, receiver
        self._end = time.monotonic() + seconds
        self._sent: dict[int, float] = {}
        self.timings = Timings()

    async def work(self) -> None:
        created = await self._session.post("/api/v1/triggers", json=self._trigger())
        hook = (await created.json())["webhook_url"].partition("/api/")[2]
        await asyncio.gather(
            self._repeat(lambda n: self._fire(f"/api/{hook}", n)),
            self._repeat(lambda n: self._call("GET", "/api/v1/event-logs?limit=5")),
            self._repeat(lambda n: self._look()),
        )
        await self._wait_for_deliveries()
        self._count_deliveries()

    def _trigger(self) -> dict[str, Any]:
        endpoint = {"url": f"http://{GOOD_NAME}:{self._receiver.port}/hook"}
        return {"type": "api", "name": "other tenant", "schema": {}, "endpoint": endpoint}

    async def _repeat(self, work: Any) -> None:
        number = 0
        while time.monotonic() < self._end:
            await work(number)
            number += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def _fire(self, path: str, number: int) -> None:
        self._sent[number] = time.time()
        if not await self._call("POST", path, json={"n": number}):
            del self._sent[number]

    async def _call(self, method: str, path: str, **options: Any) -> bool:
        milliseconds, status = await self._timed(method, path, **options)
        self.timings.calls.append(milliseconds)
        if status not in (200, 202):
            self.timings.refused.append(f"{method} {path.partition('?')[0][:20]} {status}")
        return status == 202

    async def _look(self) -> None:
        milliseconds, _ = await self._timed("GET", "/health/live")
        self.timings.alive.append(milliseconds)

    async def _timed(self, method: str, path: str, **options: Any) -> tuple[float, int]:
        began = time.monotonic()
        try:
            async with self._session.request(method, path, **options) as answer:
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        return (time.monotonic() - began) * 1000, status

    async def _wait_for_deliveries(self) -> None:
        deadline = time.monotonic() + LATE_SECONDS
        while len(self._receiver.deliveries) < len(self._sent) and time.monotonic() < deadline:
            await asyncio.sleep(PAUSE_SECONDS)

    def _count_deliveries(self) -> None:
        arrived: dict[int, list[float]] = {}
        for delivery in self._receiver.deliveries:
            arrived.setdefault(json.loads(delivery.body)["n"], []).append(delivery.arrived_at)
        self.timings.lost = len(self._sent.keys() - arrived.keys())
        self.timings.doubled = sum(len(times) - 1 for times in arrived.values())
        self.timings.deliveries = [
            (arrived[number][0] - sent) * 1000
            for number, sent in self._sent.items()
            if number in arrived
        ]


async def main() -> None:
    orders = json.load(sys.stdin)
    receiver = Receiver()
    await receiver.start()
    headers = {"authorization": f"Bearer {orders['key']}"}
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(orders["url"], headers=headers, timeout=timeout) as session:
        tenant = Tenant(session, receiver, orders["seconds"])
        await tenant.work()
    await receiver.stop()
    print(json.dumps(asdict(tenant.timings)))


if __name__ == "__main__":
    asyncio.run(main())
