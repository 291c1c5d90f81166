"""How much is left on the database's disk, where this machine can see it."""

import os

from triggerfish.domain.errors import TryLater
from triggerfish.ports import Clock

LOOK_SECONDS = 1.0
RETRY_AFTER_SECONDS = 30.0


class DiskSpace:
    """Says when too little is left; without a folder to look at there is always enough."""

    def __init__(self, folder: str, reserve_bytes: int, clock: Clock) -> None:
        self._folder = folder
        self._reserve = reserve_bytes
        self._clock = clock
        self._look_at = 0.0
        self._shortage: str | None = None

    def shortage(self) -> str | None:
        """What is wrong, in words; None while enough is left."""
        now = self._clock.now().timestamp()
        if self._folder and abs(now - self._look_at) >= LOOK_SECONDS:
            self._look_at = now
            self._shortage = self._look()
        return self._shortage

    def check(self) -> None:
        """Raises TryLater while too little is left: what was accepted needs it to finish."""
        shortage = self.shortage()
        if shortage:
            raise TryLater(f"{shortage} Nothing new is accepted.", RETRY_AFTER_SECONDS)

    def _look(self) -> str | None:
        found = os.statvfs(self._folder)
        free = found.f_bavail * found.f_frsize
        if free >= self._reserve:
            return None
        return f"The database's disk is nearly full: {free >> 20} MiB are left."
