"""Many triggers at once: created over HTTP by many connections, due in one and the same second."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from tests.e2e.platform import Platform

CONNECTIONS = 16
TRIAL = 50


@dataclass(frozen=True)
class Burst:
    """`trigger_ids` all fire at `due` (Unix seconds) and post to paths below `path`."""

    due: float
    trigger_ids: list[str]
    path: str


def create_burst(platform: Platform, url: str, path: str, *, count: int, paths: int = 1) -> Burst:
    """Create `count` one-shot triggers for one instant, spread over `paths` paths of the receiver.

    The instant is as near as this machine can create them in time, judged by a trial.
    """
    return asyncio.run(_create_burst(platform, url, path, count, paths))


async def _create_burst(platform: Platform, url: str, path: str, count: int, paths: int) -> Burst:
    headers = {"Authorization": f"Bearer {platform.api_key}"}
    async with aiohttp.ClientSession(platform.url, headers=headers) as session:
        far_away = time.time() + 86_400
        began = time.monotonic()
        await _create(session, [_definition(far_away, url, "/trial", n) for n in range(TRIAL)])
        seconds_each = (time.monotonic() - began) / TRIAL
        due = float(int(time.time() + 4 + 1.5 * count * seconds_each) + 1)
        targets = [f"{path}/{number % paths}" for number in range(count)]
        definitions = [_definition(due, url, target, n) for n, target in enumerate(targets)]
        ids = await _create(session, definitions)
        assert time.time() < due - 2, "the machine was too slow to create them before they are due"
    return Burst(due, ids, path)


def _definition(due: float, url: str, path: str, number: int) -> dict[str, Any]:
    return {
        "type": "scheduled",
        "name": f"{path} {number}",
        "schedule": {"at": datetime.fromtimestamp(due, UTC).isoformat()},
        # A short time limit, so that a killed worker's leases soon run out.
        "endpoint": {"url": f"{url.rstrip('/')}{path}", "timeout_seconds": 2},
        "payload": {"number": number},
    }


async def _create(session: aiohttp.ClientSession, definitions: list[dict[str, Any]]) -> list[str]:
    free = asyncio.Semaphore(CONNECTIONS)

    async def one(definition: dict[str, Any]) -> str:
        async with free, session.post("/api/v1/triggers", json=definition) as answer:
            body = await answer.json()
            assert answer.status == 201, body
            return str(body["id"])

    return list(await asyncio.gather(*(one(definition) for definition in definitions)))
