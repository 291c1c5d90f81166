"""Procrastinate, a Python library over Postgres."""

from collections.abc import Sequence

from tests.league import environments
from tests.league.environments import output
from tests.league.peers.base import CONCURRENCY, Job
from tests.league.peers.postgres import PostgresPeer


class Procrastinate(PostgresPeer):
    name = "procrastinate"
    settings = (
        "`schedule_at`, batches by `batch_defer`, `concurrency=50`; it looks for due jobs each "
        "second (5 s by default), and retries stalled jobs each minute (its guide's periodic "
        "task, there each 10 minutes)"
    )
    environment = "procrastinate"
    requirements = ("procrastinate==3.10.0", "aiohttp")
    schedules_per_second = 400

    def prepare(self) -> None:
        output(self.script("schema", self.dsn))

    def start_workers(self) -> None:
        command = self.script("work", self.dsn, str(CONCURRENCY))
        self.processes.start("worker", command, ready="ready")

    def schedule(self, jobs: Sequence[Job]) -> None:
        self.feed(self.script("schedule", self.dsn), jobs)

    def versions(self) -> str:
        return f"{environments.version('procrastinate', 'procrastinate')}, {self.server_version()}"
