"""The functions' log: one JSON line an event on stderr, wherever they run."""

import logging
import sys

import structlog


class _Stderr:
    """Writes to whatever sys.stderr is at that moment."""

    def msg(self, line: str) -> None:
        sys.stderr.write(f"{line}\n")

    debug = info = warning = error = critical = msg


def configure() -> None:
    """Set structlog up; done by the edge when a function is loaded, safe to repeat."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *names: _Stderr(),
    )
