"""A lock on a path, held by one process at a time and let go by the kernel when that process ends."""

import fcntl
import os
from pathlib import Path


class AlreadyRunning(RuntimeError):
    """Another live process holds the lock; `pid` is its id, 0 when it has not written it yet."""

    def __init__(self, what: str, pid: int) -> None:
        super().__init__(f"{what} is already running, pid {pid}")
        self.pid = pid


class Lock:
    """Exclusive use of something on disk, e.g. a data directory. Not reentrant, not inherited by programs started later."""

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._what = what
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock, or raise `AlreadyRunning` at once. Does nothing when this object holds it already."""
        if self._fd is not None:
            return
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(fd, 32).decode().strip()
            os.close(fd)
            raise AlreadyRunning(self._what, int(pid or 0)) from None
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
