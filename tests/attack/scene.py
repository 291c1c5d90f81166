"""A platform, an attacker's project, another tenant's, and what both need."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from local.cli.host import free_port
from tests.e2e.platform import Platform, folder

NAMES = Path(__file__).with_name("names")


class PlatformUnderAttack(Platform):
    """A platform that asks the attack's name server on `name_port`."""

    name_port: int = 0

    def environment(self) -> dict[str, str]:
        self.name_port = self.name_port or free_port()
        usual = super().environment()
        return {
            **usual,
            "PYTHONPATH": os.pathsep.join([str(NAMES), usual["PYTHONPATH"]]),
            "ATTACK_NAME_SERVER_PORT": str(self.name_port),
        }


@contextmanager
def platform_under_attack() -> Iterator[PlatformUnderAttack]:
    with folder() as path, PlatformUnderAttack(path) as one:
        one.start()
        yield one


@dataclass
class Scene:
    """Where attacks are mounted. `answers` counts what they were answered."""

    platform: PlatformUnderAttack
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


def scene(platform: PlatformUnderAttack, seconds: float) -> Scene:
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
