"""The processes of one peer, each with a role and a log, and how they are ended."""

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.e2e.waiting import until

START_SECONDS = 60.0
STOP_SECONDS = 10.0


class Processes:
    """Children of ours by role."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[str]] = {}

    @property
    def pids(self) -> dict[str, int]:
        return {role: process.pid for role, process in self._running.items()}

    def start(
        self,
        role: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        ready: str = "",
        control: bool = False,
    ) -> subprocess.Popen[str]:
        """Start one, and wait until its log says `ready`. With `control` it reads our lines."""
        log = self._folder / f"{role}.log"
        begins = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if control else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | dict(environment or {}),
                cwd=self._folder,
                text=True,
                start_new_session=True,
            )
        self._running[role] = process
        self.wait_for(role, ready, begins)
        return process

    def wait_for(
        self, role: str, text: str, begins: int = 0, *, seconds: float = START_SECONDS
    ) -> None:
        """Wait until the log of a role, from `begins` on, holds this text."""
        log, process = self._folder / f"{role}.log", self._running[role]

        def said() -> str:
            return log.read_bytes()[begins:].decode(errors="replace")

        until(
            lambda: text in said() or process.poll() is not None,
            seconds,
            what=f"{text!r} in {log.name}",
            every=0.02,
        )
        if process.poll() is not None:
            raise RuntimeError(f"{role} ended with {process.returncode}: {said()[-2000:]}")

    def kill(self, *roles: str) -> None:
        """SIGKILL these with all their children."""
        victims = [self._running.pop(role) for role in roles]
        kill_trees([victim.pid for victim in victims])
        for victim in victims:
            victim.wait()

    def stop(self) -> None:
        """End all, the youngest first; what does not end when asked is killed."""
        for role in reversed(list(self._running)):
            process = self._running[role]
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            self.kill(role)


def trees(pids: Iterable[int]) -> list[psutil.Process]:
    """These processes and all below them, as far as they run."""
    found = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            found += [process, *process.children(recursive=True)]
    return found


def kill_trees(pids: Iterable[int]) -> None:
    for process in trees(pids):
        with suppress(psutil.NoSuchProcess):
            process.kill()


@contextmanager
def frozen(pids: Iterable[int]) -> Iterator[None]:
    """These and all below them do nothing while the block runs."""
    victims = trees(pids)
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGCONT)


def memory_mb(pids: Iterable[int]) -> float:
    """The proportional set size of all: memory that several share counts once."""
    total = 0
    for process in trees(pids):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / 1e6
