"""Restate: the server from npm, which is its own store, and a service in Python."""

import json
from collections.abc import Sequence

import httpx

from local.cli.host import free_port
from tests.e2e.waiting import until
from tests.league import environments
from tests.league.environments import CACHE, WORKERS, output, program
from tests.league.peers.base import Intake, Job, Peer

PACKAGE = "@restatedev/restate-server"
FOLDER = CACHE / "restate-server"
SERVER = str(FOLDER / "node_modules" / ".bin" / "restate-server")
START_SECONDS = 60.0


class Restate(Peer):
    name = "Restate"
    settings = (
        "one-way calls with `?delay=` to a service of one durable step, served by hypercorn as its "
        "guide says, otherwise its defaults; the server is its own store"
    )
    environment = "restate"
    requirements = ("restate-sdk[serde]==1.3.0", "hypercorn", "aiohttp")
    schedules_per_second = 300

    @classmethod
    def install(cls) -> None:
        super().install()
        environments.npm("restate-server", f"{PACKAGE}@1.7.12")

    def start_store(self) -> None:
        self._ports = {name: free_port() for name in ("ingress", "admin", "node", "service")}
        self._ingress = f"http://127.0.0.1:{self._ports['ingress']}"
        self._admin = f"http://127.0.0.1:{self._ports['admin']}"

    def start_workers(self) -> None:
        bind = f"127.0.0.1:{self._ports['service']}"
        hypercorn = [program("restate", "python"), "-m", "hypercorn", "--bind", bind]
        path = {"PYTHONPATH": str(WORKERS)}
        command = [*hypercorn, "restate_worker:app"]
        self.processes.start("worker", command, environment=path, ready="Running on")
        self.processes.start("server", [SERVER, "--node-name", "league"], environment=self._own())
        until(self._is_up, START_SECONDS, what="Restate to be up")
        deployment = {"uri": f"http://{bind}", "force": True}
        httpx.post(f"{self._admin}/deployments", json=deployment, timeout=30).raise_for_status()

    def _own(self) -> dict[str, str]:
        local = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        return {
            "RESTATE_BASE_DIR": str(self.folder / "restate"),
            "RESTATE_LISTEN_MODE": "tcp",
            "RESTATE_BIND_ADDRESS": local["node"],
            "RESTATE_ADVERTISED_ADDRESS": f"http://{local['node']}",
            "RESTATE_INGRESS__BIND_ADDRESS": local["ingress"],
            "RESTATE_ADMIN__BIND_ADDRESS": local["admin"],
            "RESTATE_DISABLE_TELEMETRY": "true",
        }

    def _is_up(self) -> bool:
        try:
            urls = (f"{self._admin}/health", f"{self._ingress}/restate/health")
            return all(httpx.get(url).is_success for url in urls)
        except httpx.TransportError:
            return False

    def schedule(self, jobs: Sequence[Job]) -> None:
        self.feed(self.script("schedule", self._ingress), jobs)

    def intake(self, url: str) -> Intake:
        return Intake(f"{self._ingress}/Deliver/send/send", json.dumps({"id": "$ID", "url": url}))

    def versions(self) -> str:
        server = output([SERVER, "--version"]).split()[1]
        return f"server {server}, SDK {environments.version('restate', 'restate-sdk')}"

    def durability(self) -> str:
        return (
            "RocksDB log, fsync before it answers (`rocksdb-disable-wal-fsync=false`, its default)"
        )
