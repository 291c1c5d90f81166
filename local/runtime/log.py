"""The runtime's own log lines: JSON on stderr, or readable text on a terminal.

Functions configure their own logging.
"""

import logging
import sys
import threading
from functools import cache
from typing import Any

import structlog

_JSON: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


class _Stderr:
    """Writes to whatever sys.stderr is at that moment, one line at a time."""

    def msg(self, line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    debug = info = warning = error = critical = msg


def get_logger(part: str) -> Any:
    """A logger whose lines carry `part` ("gateway", "poller" …).

    It shares no global state with the functions' logging.
    """
    return structlog.wrap_logger(
        _Stderr(),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        part=part,
    )


def _render(logger: object, method: str, event: Any) -> Any:
    """For whatever sys.stderr is at that moment: a fork's is not its parent's."""
    for renderer in _text() if sys.stderr.isatty() else _JSON:
        event = renderer(logger, method, event)
    return event


@cache
def _text() -> list[Any]:
    return [structlog.dev.ConsoleRenderer()]


class _Libraries(logging.Handler):
    """Writes what libraries log with the standard library, so one process writes one format."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self._log = get_logger(part)

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"logger": record.name, "exc_info": record.exc_info or None}
        self._log.log(record.levelno, record.getMessage(), **fields)


def adopt_libraries(part: str) -> None:
    """Write what any library logs or warns of as our own lines, for a process that starts.

    So are exceptions that nobody is left to catch: of a thread, of a finalizer.
    """
    logging.getLogger().handlers = [_Libraries(part)]
    logging.captureWarnings(True)
    log = get_logger(part)

    def of_thread(failure: threading.ExceptHookArgs) -> None:
        log.error("thread_failed", exc_info=failure.exc_value)

    def of_finalizer(failure: "sys.UnraisableHookArgs") -> None:
        log.error("finalizer_failed", exc_info=failure.exc_value)

    threading.excepthook = of_thread
    sys.unraisablehook = of_finalizer
