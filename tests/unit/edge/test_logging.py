"""The log: one JSON object a line, with the ids that are bound, and without secrets."""

import json
import logging
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import structlog

from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import TryLater
from triggerfish.domain.message import parse_message
from triggerfish.edge.logging import configure, invocation
from triggerfish.edge.queue_function import Batch, queue_function
from triggerfish.edge.redact import REDACTED
from triggerfish.edge.schedule_function import schedule_function

CONTEXT = SimpleNamespace(function_name="deliver", aws_request_id="request-1")
SECRET = "whsec_bqUdrdzIZT9mtDGFUOW/v79sPQ4w0HC4ZNSBFNQkKVE="
KEY = "tf_live_0123456789abcdefghijklmnopqrstuv"
TOKEN = "zdsd0syiW6ZVNkBNJf6vn30BtvXWmgx1BBlj6fczUG8"


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def write(**fields: Any) -> None:
    configure()
    structlog.get_logger().info("something", **fields)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (SECRET, REDACTED),
        (f"signed with {SECRET}, sent", f"signed with {REDACTED}, sent"),
        (f"key {KEY}.", f"key {REDACTED}."),
        (f"POST /api/v1/webhook/{TOKEN} 202", f"POST /api/v1/webhook/{REDACTED} 202"),
        ("authorization: Bearer abc.def", f"authorization: Bearer {REDACTED}"),
        ("https://user:pass@example.com/x", f"https://{REDACTED}@example.com/x"),
        ("postgresql+psycopg://u:p%40@h/db", f"postgresql+psycopg://{REDACTED}@h/db"),
        ("https://example.com/hook", "https://example.com/hook"),
        ("the file tf_x and /webhook/short", "the file tf_x and /webhook/short"),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(text, shown, capsys):
    write(message=text, nested={"deep": [text]})
    [line] = logged(capsys)
    assert (line["message"], line["nested"]) == (shown, {"deep": [shown]})


def test_fields_with_a_telling_name_lose_their_value(capsys):
    write(payload='{"card": 1}', token="t", fine=1, request={"Authorization": "x", "path": "/"})
    [line] = logged(capsys)
    assert (line["payload"], line["token"], line["fine"]) == (REDACTED, REDACTED, 1)
    assert line["request"] == {"Authorization": REDACTED, "path": "/"}


def test_a_traceback_shows_no_secret(capsys):
    configure()
    try:
        raise ValueError(f"cannot sign with {SECRET}")
    except ValueError as error:
        structlog.get_logger().error("failed", exc_info=error)
    [line] = logged(capsys)
    assert "cannot sign with" in line["exception"]
    assert SECRET not in line["exception"]


def test_any_value_can_be_logged_on_one_line(capsys):
    write(id=UUID(int=1), odd=object(), text="two\nlines", keys={1: 2})
    [line] = logged(capsys)
    assert line["id"] == str(UUID(int=1))
    assert (line["text"], line["keys"], line["level"]) == ("two\nlines", {"1": 2}, "info")
    assert line["timestamp"].endswith("Z")


def test_lines_carry_the_ids_of_their_invocation_and_only_of_theirs(capsys):
    with invocation(CONTEXT):
        write()
    write()
    inside, outside = logged(capsys)
    assert (inside["function"], inside["request_id"]) == ("deliver", "request-1")
    assert not {"function", "request_id"} & set(outside)


def test_what_a_library_logs_is_a_line_like_ours(capsys):
    configure()
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("some.library").exception("lost %s", KEY)
    logging.getLogger("some.library").info("nothing to see")
    [line] = logged(capsys)
    assert (line["event"], line["level"]) == (f"lost {REDACTED}", "error")
    assert (line["logger"], SECRET in line["exception"]) == ("some.library", False)


def test_a_warning_is_a_line_like_ours(capsys):
    configure()
    logging.getLogger("py.warnings").warning("%s", "x is deprecated")
    [line] = logged(capsys)
    assert (line["event"], line["level"]) == ("x is deprecated", "warning")


async def test_a_batch_that_is_put_back_says_in_which_invocation(capsys):
    @queue_function(parse_message)
    async def handler(batch: Batch[tuple[EventRef, ...]]) -> None:
        raise TryLater("The database is away.")

    await handler.native({"Records": []}, CONTEXT)
    [line] = logged(capsys)
    assert (line["event"], line["function"]) == ("batch_put_back", "deliver")


async def test_a_run_that_did_something_is_logged_and_an_idle_one_is_not(capsys):
    @schedule_function
    async def handler(event: dict[str, Any]) -> dict[str, int]:
        return event

    await handler.native({"fired": 0, "skipped": 0}, CONTEXT)
    await handler.native({"fired": 2, "skipped": 1}, CONTEXT)
    [line] = logged(capsys)
    assert (line["event"], line["fired"], line["skipped"]) == ("run_done", 2, 1)
