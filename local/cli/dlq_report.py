"""What `triggerfish dlq` shows of a dead letter: the message, its event, or why it is no job."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from local.cli.dead_letters import DeadLetter
from local.cli.event_lookup import Logs
from triggerfish.domain.errors import InvalidInput

UNKNOWN = "not known: the database does not answer"
GONE = "not in the log (any more)"
EXCERPT = 60


def event_ids(letters: Iterable[DeadLetter]) -> list[UUID]:
    """The events that the messages are about; those that are no jobs are about none."""
    return [id for letter in letters for id in _event_ids(letter)]


def table(letters: Sequence[DeadLetter], logs: Logs | None) -> Table:
    """A line a message, the oldest first."""
    shown = Table("message", "first sent", "is", box=SIMPLE_HEAD, pad_edge=False)
    for letter in sorted(letters, key=lambda letter: letter.sent_at):
        shown.add_row(
            letter.id, f"{letter.sent_at:%Y-%m-%d %H:%M:%S} UTC", Text(_what(letter, logs))
        )
    return shown


def row(letter: DeadLetter, logs: Logs | None) -> dict[str, Any]:
    """A message in a list, for programs."""
    about = event(letter, logs)
    log = about["event_log"]
    return {
        "message_id": letter.id,
        "sent_at": letter.sent_at,
        "bytes": len(letter.body.encode()),
        "event_id": about["event_id"],
        "event_status": log["status"] if log else None,
        "problem": about["problem"],
    }


def message(letter: DeadLetter) -> dict[str, Any]:
    """The message whole, as SQS holds it."""
    return {
        "message_id": letter.id,
        "sent_at": letter.sent_at,
        "body": _readable(letter.body),
        "attributes": letter.attributes,
        "message_attributes": letter.message_attributes,
    }


def event(letter: DeadLetter, logs: Logs | None) -> dict[str, Any]:
    """What the message is about: an event id with its log, or why it is no job; None if unknown.

    Nothing of the kind is said of another queue's message: its own worker logged what is wrong.
    """
    if not letter.is_delivery:
        return {"event_id": None, "event_log": None, "problem": None}
    try:
        ids = [ref.event_id for ref in letter.events()]
    except InvalidInput as error:
        return {"event_id": None, "event_log": None, "problem": error.message}
    log = (logs or {}).get(ids[0])
    problem = None if log else (UNKNOWN if logs is None else GONE)
    about = {"event_id": str(ids[0]), "event_log": log, "problem": problem}
    return about | ({"other_event_ids": [str(id) for id in ids[1:]]} if ids[1:] else {})


def _what(letter: DeadLetter, logs: Logs | None) -> str:
    about = row(letter, logs)
    if about["event_id"]:
        return f"event {about['event_id']}: {about['event_status'] or about['problem']}"
    body = letter.body if len(letter.body) <= EXCERPT else letter.body[:EXCERPT] + "…"
    return f"no job: {body!r}" if letter.is_delivery else body


def _readable(body: str) -> Any:
    """The value of a body that is JSON, so that it is printed in lines; any other as it is."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _event_ids(letter: DeadLetter) -> list[UUID]:
    if not letter.is_delivery:
        return []
    try:
        return [ref.event_id for ref in letter.events()]
    except InvalidInput:
        return []
