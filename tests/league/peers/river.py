"""River, a Go library over Postgres; its program is workers/river/main.go."""

from collections.abc import Sequence

from tests.league import environments
from tests.league.environments import CACHE, WORKERS, output
from tests.league.peers.base import CONCURRENCY, Job
from tests.league.peers.postgres import PostgresPeer

PROGRAM = str(CACHE / "river" / "river")


class River(PostgresPeer):
    name = "River"
    settings = (
        "jobs with `ScheduledAt`, inserted by `InsertManyFast`; `MaxWorkers` 50; a job may take "
        "10 s and is rescued after 20 s (`RescueStuckJobsAfter`: more than the longest job), "
        "otherwise its defaults: the scheduler looks every 5 s"
    )
    environment = "river"
    schedules_per_second = 3_000

    @classmethod
    def install(cls) -> None:
        environments.go("river")

    def prepare(self) -> None:
        output([PROGRAM, "migrate", self.dsn])

    def start_workers(self) -> None:
        command = [PROGRAM, "work", self.dsn, str(CONCURRENCY)]
        self.processes.start("worker", command, ready="ready")

    def schedule(self, jobs: Sequence[Job]) -> None:
        self.feed([PROGRAM, "schedule", self.dsn], jobs)

    def versions(self) -> str:
        lines = (WORKERS / "river" / "go.mod").read_text().splitlines()
        (river,) = (
            line.split() for line in lines if line.split()[:1] == ["github.com/riverqueue/river"]
        )
        return f"{river[1]}, {self.server_version()}"
