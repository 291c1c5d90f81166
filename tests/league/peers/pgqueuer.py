"""PgQueuer, a Python library over Postgres."""

from collections.abc import Sequence

from tests.league import environments
from tests.league.environments import output
from tests.league.peers.base import CONCURRENCY, Job
from tests.league.peers.postgres import PostgresPeer


class PgQueuer(PostgresPeer):
    name = "PgQueuer"
    settings = (
        "`execute_after`, batches by `enqueue`; `max_concurrent_tasks=50`, and a `batch_size` of "
        "half of it, the most it takes; durable tables, otherwise its defaults: a job without a "
        "heartbeat for 30 s is taken again"
    )
    environment = "pgqueuer"
    requirements = ("pgqueuer==1.6.0", "asyncpg", "aiohttp")
    schedules_per_second = 1_500

    def prepare(self) -> None:
        output(self.script("install", self.dsn))

    def start_workers(self) -> None:
        command = self.script("work", self.dsn, str(CONCURRENCY))
        self.processes.start("worker", command, ready="ready")

    def schedule(self, jobs: Sequence[Job]) -> None:
        self.feed(self.script("schedule", self.dsn), jobs)

    def versions(self) -> str:
        return f"{environments.version('pgqueuer', 'pgqueuer')}, {self.server_version()}"
