"""One process to keep running: how it starts, when it is ready, how it stops and restarts."""

import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from local.services import logs

SILENT_SECONDS = 8.0
"""A process that has not touched its pulse for so long is frozen; a stuck one ends itself."""
STEADY_SECONDS = 30.0
"""A service that ran this long is no longer in trouble: its next restart is quick again."""
LONGEST_WAIT_SECONDS = 10.0


class Process(Protocol):
    """A child process: a `subprocess.Popen`, or one that was forked."""

    pid: int

    @property
    def returncode(self) -> int | Any | None: ...

    def poll(self) -> int | None: ...

    def wait(self) -> int: ...


@dataclass(frozen=True)
class Service:
    """A process to keep running. Services with a higher `tier` are stopped before lower ones.

    `patience_seconds` is how long ends during the start are answered by another start; 0 means that
    the first is a failure. `show` boils a log line down for the terminal; None hides it. A process
    that works touches its `pulse` file every second.
    """

    name: str
    spawn: Callable[[], Process]
    log_file: Path
    ready: Callable[[], bool] = lambda: True
    tier: int = 0
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 20.0
    patience_seconds: float = 0.0
    show: Callable[[str], str | None] = logs.alarming
    pulse: Path | None = None


def program(
    command: Sequence[str], *, env: Mapping[str, str], log_file: Path
) -> Callable[[], subprocess.Popen[bytes]]:
    """How to spawn an ordinary program: own session, no input, output appended to its log."""

    def spawn() -> subprocess.Popen[bytes]:
        with logs.open_to_append(log_file) as log:
            return subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(env),
                start_new_session=True,
            )

    return spawn


def restart_wait(deaths: int) -> float:
    """Seconds before the restart after the n-th death in a row: 0.2, 0.4, 0.8 … at most 10."""
    return float(min(0.1 * 2 ** min(deaths, 20), LONGEST_WAIT_SECONDS))


@dataclass
class Pulse:
    """For how long a process has not touched its file, counted in the supervisor's own turns.

    A pause of the whole machine is one turn, so it is nobody's silence. A process that has not yet
    touched it is still starting.
    """

    path: Path | None
    touched_at: float | None = None
    is_beating: bool = False
    silent_seconds: float = 0.0

    def begin(self) -> None:
        """A new process starts: what another one touched does not count."""
        self.touched_at, self.is_beating, self.silent_seconds = self._read(), False, 0.0

    def is_silent(self, turn_seconds: float) -> bool:
        """Look once more, after a turn; whether the process has been silent for too long."""
        touched_at = self._read()
        if touched_at != self.touched_at:
            self.touched_at, self.is_beating, self.silent_seconds = touched_at, True, 0.0
        elif self.is_beating:
            self.silent_seconds += min(turn_seconds, 1.0)
        return self.silent_seconds > SILENT_SECONDS

    def _read(self) -> float | None:
        try:
            return self.path.stat().st_mtime if self.path else None
        except FileNotFoundError:
            return None


@dataclass
class Child:
    """A service and what became of its process."""

    service: Service
    follower: logs.Follower
    pulse: Pulse = field(default_factory=lambda: Pulse(None))
    process: Process | None = None
    started_at: float = 0.0
    deaths: int = 0
    restart_at: float = 0.0
    exit_code: int | None = None
    was_ready: bool = False

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def died(self, now: float, exit_code: int | None) -> None:
        """Note a death at `now` (monotonic seconds) and when to start again."""
        steady = now - self.started_at > STEADY_SECONDS
        self.deaths = 1 if steady else self.deaths + 1
        self.restart_at = now + restart_wait(self.deaths)
        self.exit_code = exit_code
        self.process = None
