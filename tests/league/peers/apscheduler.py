"""APScheduler 3 with its SQLAlchemy job store in Postgres."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from tests.league import environments
from tests.league.peers.base import CONCURRENCY, SCHEDULING_SECONDS, Job
from tests.league.peers.postgres import DATABASE, PostgresPeer


class APScheduler(PostgresPeer):
    name = "APScheduler"
    settings = (
        "one `BackgroundScheduler` with the SQLAlchemy store, a pool of 50 threads, and "
        "`misfire_grace_time=None` (its guide's way to keep late jobs, which are dropped after 1 s "
        "by default)"
    )
    environment = "apscheduler"
    requirements = ("apscheduler==3.11.3", "sqlalchemy", "psycopg[binary]")
    schedules_per_second = 250

    def prepare(self) -> None:
        """The store makes its table."""
        self._files = 0

    def start_workers(self) -> None:
        command = self.script(self.postgres.url(DATABASE), str(CONCURRENCY))
        self._worker = self.processes.start("worker", command, ready="ready", control=True)

    def schedule(self, jobs: Sequence[Job]) -> None:
        self._files += 1
        path = self.folder / f"{self._files}.jobs"
        path.write_text("".join(json.dumps(asdict(job)) + "\n" for job in jobs))
        assert self._worker.stdin is not None
        self._worker.stdin.write(f"{path}\n")
        self._worker.stdin.flush()
        self.processes.wait_for("worker", f"scheduled {path}\n", seconds=SCHEDULING_SECONDS)

    def versions(self) -> str:
        return f"{environments.version('apscheduler', 'apscheduler')}, {self.server_version()}"
