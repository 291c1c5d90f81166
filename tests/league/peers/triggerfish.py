"""Triggerfish, as `triggerfish up` runs it, over a Postgres that survives it."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.e2e.platform import ROOT, Platform
from tests.league.environments import output
from tests.league.peers.base import STORE, Intake, Job, TooLate
from tests.league.peers.postgres import PostgresPeer
from tests.league.processes import kill_trees

BATCH = 1_000


class Triggerfish(PostgresPeer):
    name = "Triggerfish"
    settings = (
        "`triggerfish up` with its defaults, triggers made by `POST /api/v1/triggers/batch`; "
        "Postgres started beside it, to survive the kill"
    )
    environment = "triggerfish"
    schedules_per_second = 400
    tells_endpoints_apart = True

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
        for start in range(0, len(jobs), BATCH):
            batch = jobs[start : start + BATCH]
            body = {"triggers": [_definition(job) for job in batch]}
            answer = self.platform.request("POST", "/triggers/batch", body, timeout=120)
            answer.raise_for_status()
            errors = [one["error"] for one in answer.json()["results"] if "error" in one]
            if errors and time.time() > batch[0].due:
                raise TooLate
            if errors:
                raise RuntimeError(f"{len(errors)} not created, the first: {errors[0]}")

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
