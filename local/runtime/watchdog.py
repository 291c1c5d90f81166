"""Ends a process whose event loop is stuck, so that what runs it starts another.

The timer is a thread of `faulthandler` written in C: it needs no interpreter lock, so it also ends
a process that is held by a regular expression or by a library that never lets go.
"""

import asyncio
import contextlib
import faulthandler
import os
from pathlib import Path

STUCK_SECONDS = 8.0
PULSE_SECONDS = 1.0
PULSE_FILE = "RUNTIME_PULSE_FILE"
"""Touched every second, if set: so a supervisor also notices a process that is frozen."""
_STDERR = 2  # whatever functions make of sys.stderr


class LoopWatch:
    """Exits with code 1, the stacks on stderr, once the running loop has made no turn for so long.

    Make it within the loop, `start` it when all is loaded, and `stop` it where threads may take
    longer to end than a turn.
    """

    def __init__(self, stuck_seconds: float = STUCK_SECONDS) -> None:
        pulse = os.environ.get(PULSE_FILE)
        self._pulse = Path(pulse) if pulse else None
        self._stuck_seconds = stuck_seconds
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._turn()

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
        faulthandler.cancel_dump_traceback_later()

    def _turn(self) -> None:
        faulthandler.dump_traceback_later(self._stuck_seconds, exit=True, file=_STDERR)
        if self._pulse is not None:
            with contextlib.suppress(OSError):  # a full disk is no stuck loop
                self._pulse.touch()
        self._next = self._loop.call_later(PULSE_SECONDS, self._turn)
