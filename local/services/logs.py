"""The services' log files: bounded, followed, and boiled down to what a person at a terminal needs.

Services write into their files themselves, so that they can still say why they stop when the
supervisor was killed.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO

MAX_BYTES = 10_000_000
TAIL_BYTES = 4_000
_ALARMING = {"warning", "error", "critical"}
_CLIENT_GONE = re.compile(r"could not (?:send data to|receive data from) client")
_HARMLESS = ("INFO", "DEBUG")


def open_to_append(path: Path) -> IO[bytes]:
    """The log for a new process to write to; an old one that is full goes to `<name>.1` first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bound(path)
    return path.open("ab")


def bound(path: Path, max_bytes: int = MAX_BYTES) -> None:
    """Move a full log to `<name>.1`, for a process that has it open for appending.

    Lines written between the copy and the truncation are lost.
    """
    if path.exists() and path.stat().st_size > max_bytes:
        shutil.copyfile(path, path.with_name(path.name + ".1"))
        with path.open("r+b") as full:
            full.truncate(0)


def tail(path: Path, since: int = 0, max_bytes: int = TAIL_BYTES) -> str:
    """The last complete lines of a log from byte `since` on, for an error message."""
    if not path.exists():
        return ""
    with path.open("rb") as log:
        start = max(since, path.stat().st_size - max_bytes)
        log.seek(start)
        text = log.read().decode(errors="replace")
    return text if start == since else text.partition("\n")[2]


class Follower:
    """Reads what is appended to a log from now on, line by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0

    def new_lines(self) -> list[str]:
        """The complete lines since the last call; starts over after a truncation."""
        if not self._path.exists():
            return []
        size = self._path.stat().st_size
        self._offset = 0 if size < self._offset else self._offset
        if size == self._offset:
            return []
        with self._path.open("rb") as log:
            log.seek(self._offset)
            whole, newline, _ = log.read(size - self._offset).rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        return whole.decode(errors="replace").splitlines()


def alarming(line: str) -> str | None:
    """What to show of a service's line: warnings and errors, and what is no log line at all.

    A service logs JSON objects with `level` and `event`; anything else is, e.g., a traceback.
    """
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        return None if not line.strip() or line.startswith(_HARMLESS) else line
    return _readable(entry) if str(entry.get("level", "")).lower() in _ALARMING else None


def alarming_postgres(line: str) -> str | None:
    """What to show of a Postgres line. Its errors reach the service that caused them.

    That a client is gone (a stream that closes, a killed worker) is no trouble of Postgres'.
    """
    if _CLIENT_GONE.search(line):
        return None
    return line if " PANIC: " in line or " could not " in line else None


def _readable(entry: Mapping[str, object]) -> str:
    known = {"event", "level", "timestamp", "exception"}
    facts = " ".join(f"{name}={value}" for name, value in entry.items() if name not in known)
    trace = f"\n{entry['exception']}" if "exception" in entry else ""
    return f"{entry.get('level')}: {entry.get('event')} {facts}".rstrip() + trace
