"""A file that a working process keeps touching, and the check of its age for a health check.

`python -m local.runtime.heartbeat 30` fails when the file is missing or older than 30 s.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

HEARTBEAT_FILE = "RUNTIME_HEARTBEAT_FILE"

Beat = Callable[[], None]


def no_beat() -> None:
    """For who is not watched."""


def beat_of(environ: Mapping[str, str]) -> Beat:
    """What to call after each piece of work that went well: touches RUNTIME_HEARTBEAT_FILE.

    Does nothing when that is not set. The call raises OSError when the file cannot be made.
    """
    path = environ.get(HEARTBEAT_FILE)
    return Path(path).touch if path else no_beat


def find_fault(path: str, *, now: float, patience_seconds: float) -> str | None:
    """Why the process that touches `path` does not work, None when it does."""
    try:
        age = now - os.stat(path).st_mtime
    except FileNotFoundError:
        return "has not worked yet"
    return f"last worked {age:.0f} s ago" if age > patience_seconds else None


if __name__ == "__main__":
    sys.exit(
        find_fault(os.environ[HEARTBEAT_FILE], now=time.time(), patience_seconds=float(sys.argv[1]))
    )
