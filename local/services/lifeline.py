"""A guard process that ends what a killed process leaves behind, its grandchildren included.

The owner holds one end of a pipe, the guard reads the other. However the owner ends, SIGKILL
included, the kernel closes its end, and the guard then signals every process group it was told of
and kills what is left. The same on Linux and macOS, and it asks nothing of the programs guarded.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping

GRACE_SECONDS = 10.0


class Lifeline:
    """The owner's end. What is held here outlives the owner by `grace_seconds` at most."""

    def __init__(self, grace_seconds: float = GRACE_SECONDS) -> None:
        self._grace_seconds = grace_seconds
        self._held: dict[int, int] = {}
        self._guard = _start_guard(grace_seconds)

    def hold(self, group: int, signal_number: int = signal.SIGTERM) -> None:
        """Have `signal_number` sent to the process group when we are gone."""
        self._held[group] = signal_number
        self._tell({group: signal_number})

    def release(self, group: int) -> None:
        """Forget a process group, since its id may soon be another's."""
        if self._held.pop(group, None) is not None:
            self._tell({group: 0})

    def close(self) -> None:
        """End the guard; groups still held are ended as if we had been killed."""
        if self._guard.stdin:
            self._guard.stdin.close()
        self._guard.wait()

    def _tell(self, news: Mapping[int, int]) -> None:
        try:
            self._write(news)
        except BrokenPipeError:  # somebody killed the guard: start another, tell it everything
            self.close()
            self._guard = _start_guard(self._grace_seconds)
            self._write(self._held)

    def _write(self, news: Mapping[int, int]) -> None:
        text = "".join(f"{group} {int(number)}\n" for group, number in news.items())
        os.write(self._guard.stdin.fileno(), text.encode())  # type: ignore[union-attr]


def _start_guard(grace_seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, str(grace_seconds)],
        stdin=subprocess.PIPE,
        bufsize=0,
        cwd="/",
        start_new_session=True,
    )


def guard(news: Iterable[str], grace_seconds: float) -> None:
    """Follow the owner's news to the end: lines of `GROUP SIGNAL`, where 0 means forget it."""
    held: dict[int, int] = {}
    for line in news:
        group, number = (int(word) for word in line.split())
        if number:
            held[group] = number
        else:
            held.pop(group, None)
    end(held, grace_seconds)


def end(held: Mapping[int, int], grace_seconds: float) -> None:
    """Signal each process group, and kill what is left of them after `grace_seconds`."""
    for group, number in held.items():
        signal_group(group, number)
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline and any(signal_group(group, 0) for group in held):
        time.sleep(0.05)
    for group in held:
        signal_group(group, signal.SIGKILL)


def signal_group(group: int, number: int) -> bool:
    """Signal a process group; False when it is gone, or not ours."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # it must be the last to go
    guard(sys.stdin, float(sys.argv[1]))
