"""DBOS Transact, durable workflows in Postgres."""

from collections.abc import Sequence

from tests.league import environments
from tests.league.peers.base import CONCURRENCY, Job
from tests.league.peers.postgres import DATABASE, PostgresPeer


class DBOS(PostgresPeer):
    name = "DBOS"
    settings = (
        "workflows of one step, enqueued with `delay_seconds` on a queue with "
        "`worker_concurrency=50`, which it polls each second (its default)"
    )
    environment = "dbos"
    requirements = ("dbos==3.4.0", "aiohttp")
    schedules_per_second = 200

    def prepare(self) -> None:
        """The worker makes the tables."""

    def start_workers(self) -> None:
        url = self.postgres.url(DATABASE)
        self.processes.start("worker", self.script("work", url, str(CONCURRENCY)), ready="ready")

    def schedule(self, jobs: Sequence[Job]) -> None:
        self.feed(self.script("schedule", self.postgres.url(DATABASE)), jobs)

    def versions(self) -> str:
        return f"{environments.version('dbos', 'dbos')}, {self.server_version()}"
