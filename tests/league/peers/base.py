"""What the league asks of a peer: start, schedule, be killed, start again."""

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from json import dumps
from pathlib import Path
from typing import ClassVar

from tests.league import environments
from tests.league.processes import Processes

STORE = "store"
CONCURRENCY = 50
"""How many deliveries each peer's worker may make at a time, where it can be said."""
SCHEDULING_SECONDS = 180
TELLING_JOBS = 1_000


class TooLate(Exception):
    """A peer refused a job, since it was due already."""


@dataclass(frozen=True)
class Job:
    """POST {"id": …} to `url` at `due` (Unix seconds)."""

    id: str
    due: float
    url: str


@dataclass(frozen=True)
class Intake:
    """How a peer takes one job over HTTP, to be delivered now; `$ID` stands for the job's id."""

    url: str
    body: str
    headers: dict[str, str] = field(default_factory=dict)


class Peer(ABC):
    """One peer in a folder of its own; the store's process, if it has one, has the role `store`."""

    name: ClassVar[str]
    settings: ClassVar[str]
    """How it is set up, and where its documentation says so."""
    environment: ClassVar[str]
    requirements: ClassVar[tuple[str, ...]] = ()
    schedules_per_second: float = 300
    """A careful guess, which decides how far ahead a burst lies; replaced by what was measured."""
    tells_endpoints_apart: ClassVar[bool] = False
    """Whether one endpoint has limits of its own, so that one and twenty differ."""
    largest_burst: ClassVar[int] = 10_000
    """More would take this peer minutes; its settings say so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes = Processes(folder)

    @classmethod
    def install(cls) -> None:
        """Raises `NotInstalled` where this machine cannot have it."""
        environments.python(cls.environment, cls.requirements)

    @abstractmethod
    def start_store(self) -> None:
        """Start what keeps the jobs and survives `kill`; nothing where the server is the store."""

    @abstractmethod
    def start_workers(self) -> None:
        """Start all the rest, and wait until it works."""

    @abstractmethod
    def schedule(self, jobs: Sequence[Job]) -> None:
        """Hand in these jobs; on return they are in the store."""

    @abstractmethod
    def versions(self) -> str: ...

    @abstractmethod
    def durability(self) -> str:
        """When the store says that something is written, as the store itself tells."""

    def took(self, jobs: int, seconds: float) -> None:
        """Learn from a burst how fast jobs are scheduled; a few say nothing."""
        if jobs >= TELLING_JOBS:
            self.schedules_per_second = jobs / seconds

    def start(self) -> None:
        self.start_store()
        self.start_workers()

    def stop(self) -> None:
        self.processes.stop()

    def kill(self) -> None:
        """SIGKILL every process but the store."""
        self.processes.kill(*(role for role in self.processes.pids if role != STORE))

    def restart(self) -> None:
        """After `kill`."""
        self.start_workers()

    def pids(self) -> dict[str, int]:
        """Every process by its role; children are found from them."""
        return self.processes.pids

    def store_pids(self) -> list[int]:
        """What to freeze for "the store is away": the server, where it is its own store."""
        pids = self.pids()
        return [pids[STORE] if STORE in pids else pids["server"]]

    def intake(self, url: str) -> Intake | None:
        """Where HTTP requests make jobs that are delivered to `url`; None without such a thing."""
        return None

    def script(self, *arguments: str) -> list[str]:
        """A command line of the peer's own worker script, in its environment."""
        python = environments.program(self.environment, "python")
        return [python, str(environments.WORKERS / f"{self.environment}_worker.py"), *arguments]

    def feed(self, command: Sequence[str], jobs: Iterable[Job]) -> None:
        """Run a command that schedules the jobs it reads from its input, a line each."""
        lines = "".join(dumps(asdict(job)) + "\n" for job in jobs)
        ran = subprocess.run(
            command,
            input=lines,
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=SCHEDULING_SECONDS,
        )
        if ran.returncode:
            raise RuntimeError(f"{self.name} did not schedule: {ran.stderr[-2000:]}")
