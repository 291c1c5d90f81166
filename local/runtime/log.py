"""The runtime's own log lines: JSON on stderr, or readable text on a terminal.

Functions configure their own logging.
"""

import logging
import sys
from typing import Any

import structlog

_JSON = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


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
    renderers: list[Any] = [structlog.dev.ConsoleRenderer()] if sys.stderr.isatty() else _JSON
    return structlog.wrap_logger(
        _Stderr(),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        part=part,
    )


class _Forward(logging.Handler):
    """Hands a standard-library logger's records to ours, so one process writes one format."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self._log = get_logger(part)

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, record.getMessage(), exc_info=record.exc_info or None)


def adopt(name: str, part: str, level: int = logging.WARNING) -> None:
    """Take over the standard-library logger `name` from `level` up."""
    logger = logging.getLogger(name)
    logger.handlers = [_Forward(part)]
    logger.propagate = False
    logger.setLevel(level)
