"""The functions' log: one JSON line an event on stderr, wherever they run, without secrets."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import structlog

from triggerfish.edge.redact import drop_secret_fields, redact_line


class _Stderr:
    """Writes to whatever sys.stderr is at that moment."""

    def msg(self, line: str) -> None:
        sys.stderr.write(line)

    debug = info = warning = error = critical = msg


def configure() -> None:
    """Set structlog up; done by the edge when a function is loaded, safe to repeat."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            drop_secret_fields,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *names: _Stderr(),
    )
    logging.getLogger().handlers = [_Libraries()]  # Lambda's own would write plain text
    logging.captureWarnings(True)


class _Libraries(logging.Handler):
    """Writes what libraries log and warn of as lines like ours, ids and blotting included."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"logger": record.name, "exc_info": record.exc_info or None}
        structlog.get_logger().log(record.levelno, record.getMessage(), **fields)


@contextmanager
def invocation(context: Any) -> Iterator[None]:
    """Bind the function's name and the invocation's request id to every line written inside."""
    names = {"function": "function_name", "request_id": "aws_request_id"}
    ids = {name: getattr(context, attribute, None) for name, attribute in names.items()}
    known = {name: id for name, id in ids.items() if id is not None}
    with structlog.contextvars.bound_contextvars(**known):
        yield


def _render(logger: object, method: str, event: Any) -> str:
    line = orjson.dumps(
        event, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    ).decode()
    return redact_line(line) + "\n"
