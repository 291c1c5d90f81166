"""A platform, an attacker's project, another tenant's, and what both need."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import psycopg

from tests.e2e.platform import Platform


@dataclass
class Scene:
    """Where attacks are mounted. `answers` counts what they were answered."""

    platform: Platform
    attacker: str
    tenant: str
    seconds: float
    answers: dict[int, int] = field(default_factory=dict)

    @asynccontextmanager
    async def session(self, key: str | None = None) -> AsyncIterator[aiohttp.ClientSession]:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        timeout, connector = aiohttp.ClientTimeout(total=60), aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            self.platform.url, headers=headers, timeout=timeout, connector=connector
        ) as session:
            yield session

    async def flood(self, at_once: int, call: Callable[[], Awaitable[int]]) -> None:
        """Repeat a call in so many tasks until the time is over, and count its statuses."""
        end = time.monotonic() + self.seconds

        async def repeat() -> None:
            while time.monotonic() < end:
                try:
                    status = await call()
                except (aiohttp.ClientError, TimeoutError):
                    status = 0
                self.answers[status] = self.answers.get(status, 0) + 1

        await asyncio.gather(*(repeat() for _ in range(at_once)))

    def sql(self, statement: str, values: dict[str, Any] | None = None) -> None:
        url = self.platform.database_url.replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode(), values)


def scene(platform: Platform, seconds: float) -> Scene:
    """Two projects with a key each."""
    keys: list[str] = []
    for name in ("attacker", "tenant"):
        made = platform.request("POST", "/projects", {"name": name})
        assert made.status_code == 201, made.text
        keys.append(made.json()["first_key"]["key"])
    return Scene(platform, attacker=keys[0], tenant=keys[1], seconds=seconds)


async def status_of(answer: Any) -> int:
    async with answer as got:
        await got.read()
        return int(got.status)
