"""Triggerfish, as `triggerfish up` runs it, over a Postgres that survives it."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp

from tests.e2e.platform import ROOT, Platform
from tests.league.environments import output
from tests.league.peers.base import STORE, Intake, Job, TooLate
from tests.league.peers.postgres import PostgresPeer
from tests.league.processes import kill_trees

CALLERS = 16


class Triggerfish(PostgresPeer):
    name = "Triggerfish"
    settings = "`triggerfish up` with its defaults; Postgres started beside it, to survive the kill"
    environment = "triggerfish"
    schedules_per_second = 120

    @classmethod
    def install(cls) -> None:
        """It is installed."""

    def prepare(self) -> None:
        """`up` migrates."""
        url = self.postgres.url("league")
        self.platform = Platform(self.folder, {"DATABASE_URL": url})

    def start_workers(self) -> None:
        self.platform.start()

    def stop(self) -> None:
        self.platform.close()
        super().stop()

    def kill(self) -> None:
        pids = [process.pid for process in self.platform.processes()]
        self.platform.kill_parent()
        kill_trees(pids)

    def pids(self) -> dict[str, int]:
        own = {"platform": self.platform.pid} if self.platform in Platform.running else {}
        return super().pids() | own

    def store_pids(self) -> list[int]:
        return [self.pids()[STORE]]

    def schedule(self, jobs: Sequence[Job]) -> None:
        asyncio.run(self._create(jobs))

    async def _create(self, jobs: Sequence[Job]) -> None:
        left = iter(jobs)
        headers = {"Authorization": f"Bearer {self.platform.api_key}"}

        async def caller(session: aiohttp.ClientSession) -> None:
            for job in left:
                async with session.post("/api/v1/triggers", json=_definition(job)) as answer:
                    if answer.status == 400 and time.time() > job.due:
                        raise TooLate
                    if answer.status != 201:
                        raise RuntimeError(f"not created: {await answer.text()}")

        async with aiohttp.ClientSession(self.platform.url, headers=headers) as session:
            await asyncio.gather(*(caller(session) for _ in range(CALLERS)))

    def intake(self, url: str) -> Intake:
        trigger = self.platform.create(
            type="api",
            name="league",
            schema={"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
            endpoint={"url": url},
        )
        return Intake(trigger["webhook_url"], '{"id": "$ID"}')

    def versions(self) -> str:
        commit = output(["git", "-C", str(ROOT), "describe", "--always", "--tags"])
        return f"{commit}, {self.server_version()}"


def _definition(job: Job) -> dict[str, Any]:
    return {
        "type": "scheduled",
        "name": "league",
        "schedule": {"at": datetime.fromtimestamp(job.due, UTC).isoformat()},
        "endpoint": {"url": job.url},
        "payload": {"id": job.id},
    }
