"""Keeps what a function prints and logs during one invocation, for X-Amz-Log-Result."""

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

_KEPT_WRITES = 1000  # only the last 4 KiB are ever shown
_kept: ContextVar[deque[str] | None] = ContextVar("kept", default=None)


class _Tee:
    """A stream that passes everything on, and keeps it where an invocation is being watched."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        kept = _kept.get()
        if kept is not None:
            kept.append(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def watch_output() -> None:
    """Make `kept_output` work in this process.

    Call it before functions are imported: loggers keep their stream.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, _Tee):
            setattr(sys, name, _Tee(stream))


@contextmanager
def kept_output() -> Iterator[deque[str]]:
    """The pieces written within the block by this task, and by threads it hands its context to."""
    pieces: deque[str] = deque(maxlen=_KEPT_WRITES)
    token = _kept.set(pieces)
    try:
        yield pieces
    finally:
        _kept.reset(token)
