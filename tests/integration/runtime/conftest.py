"""Starts the runtime's parts as processes of their own and waits until they say they are ready."""

import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.local.sample.paths import SAMPLE_TEMPLATE

_SCRIPT = """
import pickle
import sys
from pathlib import Path
from local.runtime import gateway, poller, scheduler
if __name__ == "__main__":
    part = {"gateway": gateway, "poller": poller, "scheduler": scheduler}[sys.argv[1]]
    part.run(Path(sys.argv[2]), **pickle.loads(bytes.fromhex(sys.argv[3])))
"""


class Part:
    """One running part: its process, its log lines as they come, and a stop that insists on a clean end."""

    def __init__(self, name: str, environ: dict[str, str], options: dict[str, Any]) -> None:
        template = options.pop("template", SAMPLE_TEMPLATE)
        arguments = [name, str(template), pickle.dumps(options).hex()]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, *arguments],
            env={**os.environ, **environ},
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self.log: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self._lines.put(line)

    def wait_for(self, event: str, seconds: float = 30) -> dict[str, Any]:
        """The next log line of that event. Fails with queue.Empty when it does not come."""
        while True:
            line = self._lines.get(timeout=seconds)
            if not line.startswith("{"):
                raise AssertionError(line + "".join(self._lines.queue))
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == event:
                return self.log[-1]

    def stop(self, seconds: float = 25) -> None:
        """SIGTERM, and an orderly end within the time."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(seconds) == 0

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()


Start = Callable[..., Part]


@pytest.fixture
def start() -> Iterator[Start]:
    """`start("gateway", environ={...}, host=…, port=…)` → Part.

    Everything started is ended after the test.
    """
    parts: list[Part] = []

    def start_part(name: str, environ: dict[str, str] | None = None, **options: Any) -> Part:
        parts.append(Part(name, environ or {}, options))
        return parts[-1]

    yield start_part
    for part in parts:
        part.end()
