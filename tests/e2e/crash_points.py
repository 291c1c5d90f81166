"""A platform whose processes can be told where to be killed (see crashing/sitecustomize.py)."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.e2e.crashing.sitecustomize import SERVICES
from tests.e2e.platform import Platform, folder
from tests.e2e.waiting import until

HOOK = Path(__file__).with_name("crashing")
HIT_SECONDS = 60.0
RESTART_SECONDS = 60.0


class CrashingPlatform(Platform):
    """A platform with crash points, none of which is armed at first."""

    @property
    def points(self) -> Path:
        return self.folder / "crash-points"

    def environment(self) -> dict[str, str]:
        self.points.mkdir(exist_ok=True)
        usual = super().environment()
        return {
            **usual,
            "PYTHONPATH": os.pathsep.join([str(HOOK), usual["PYTHONPATH"]]),
            "TRIGGERFISH_CRASH_POINTS": str(self.points),
        }

    def arm(self, point: str, texts: Sequence[str] = ()) -> None:
        """Have the next process that passes the point, with one of these texts in hand, killed."""
        ready = self.points / f".{point}"
        ready.write_text("\n".join(texts))
        ready.rename(self.points / point)

    def wait_for_crash(self, point: str) -> float:
        """Until the armed point was hit; when that was, in Unix seconds."""
        until(
            lambda: not (self.points / point).exists(),
            HIT_SECONDS,
            what=f"a process to pass {point}",
            every=0.01,
        )
        return time.time()

    def serving(self, point: str) -> int:
        """The process id of the service that passes this point, once it runs."""
        service = SERVICES[point.partition(".")[0]]
        return until(lambda: self._running(service), RESTART_SECONDS, what=f"a {service} that runs")

    def _running(self, service: str) -> int:
        """Its process id; 0 while the one that is known is dead."""
        pid = int(self.note["services"].get(service, 0))
        return pid if pid and psutil.pid_exists(pid) else 0


@contextmanager
def crashing_platform(**options: Any) -> Iterator[CrashingPlatform]:
    """A platform with crash points of one's own while the block lasts."""
    with folder() as path, CrashingPlatform(path, **options) as one:
        one.start()
        yield one
