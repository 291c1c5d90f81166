"""A lock on a path: held by one process at a time, let go by the kernel when that process ends."""

import fcntl
import os
from pathlib import Path

from local.services.errors import AlreadyRunning


class Lock:
    """Exclusive use of something on disk, e.g. a data directory; `what` names it in the error.

    Programs that the holder starts do not inherit it.
    """

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._what = what
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock or raise `AlreadyRunning` at once. Does nothing when we hold it."""
        if self._fd is not None:
            return
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 32).decode().strip()
            os.close(fd)
            raise AlreadyRunning(self._what, int(holder or 0)) from None
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd

    def release(self) -> None:
        """Let go. The file stays, or two processes could hold two files of one name."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
