"""What `triggerfish demo` shows: triggers, event logs and, where deliveries failed, why."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

STATUS_STYLES = {"success": "green", "failure": "red"}
BLOCKED = "destination_blocked"

Log = dict[str, Any]


def triggers_table(rows: Iterable[tuple[str, str, dict[str, Any]]]) -> Table:
    """(kind, what was asked for, trigger) of each trigger."""
    table = _table("Triggers", "trigger", "kind", "schedule or schema", "next fire")
    for kind, asked, trigger in rows:
        next_fire = trigger.get("next_fire_at")
        shown = "when called" if next_fire is None else f"{_moment(next_fire):%a %H:%M:%S} UTC"
        table.add_row(short_id(trigger["id"]), kind, Text(asked), shown)
    return table


def event_logs_table(rows: Iterable[tuple[str, Log]]) -> Table:
    """(kind, event log with its attempts) of each event, in the order of their due times."""
    texts = ("event", "trigger", "source", "status")
    numbers = ("attempts", "scheduled for", "lateness ms", "status code")
    table = _table("Event logs", *texts)
    for heading in numbers:
        table.add_column(heading.replace(" ", "\n"), justify="right")
    for kind, log in sorted(rows, key=lambda row: str(row[1]["scheduled_for"])):
        style = STATUS_STYLES.get(log["status"], "yellow")
        table.add_row(
            short_id(log["id"]),
            kind,
            log["source"],
            f"[{style}]{log['status']}[/]",
            str(log["attempt_count"]),
            f"{_moment(log['scheduled_for']):%H:%M:%S.%f}"[:-3],
            _number(lateness_ms(log)),
            _number(log["last_status_code"]),
        )
    return table


def short_id(id: str) -> str:
    """The end of a UUIDv7: its beginning is the time, alike in all ids of a demo."""
    return "…" + id[-6:]


def lateness_ms(log: Log) -> float | None:
    """How long after its time an event's first attempt began; None before there was one."""
    attempts = log["attempts"]
    if not attempts:
        return None
    late = _moment(attempts[0]["started_at"]) - _moment(log["scheduled_for"])
    return round(late.total_seconds() * 1000, 1)


def failure_reasons(logs: Sequence[Log]) -> list[str]:
    """One sentence for each way in which deliveries failed; empty when none did."""
    errors = {str(log["last_error"]) for log in logs if log["status"] != "success"}
    return [_reason(error) for error in sorted(errors)]


def _reason(error: str) -> str:
    if error.startswith(BLOCKED):
        return (
            "The platform may not deliver to this machine's loopback, where the demo's receiver "
            "listens: TRIGGERFISH_EGRESS_ALLOW is set and does not list 127.0.0.0/8. The "
            "deliveries were refused as they should be. Start the platform with "
            "TRIGGERFISH_EGRESS_ALLOW=127.0.0.0/8 (or unset) to see them arrive."
        )
    if error == "None":
        return "Some events were not delivered in time; is the worker running? See GET /health."
    return f"A delivery failed: {error}."


def _table(title: str, *headings: str) -> Table:
    table = Table(*headings, title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.collapse_padding = True
    return table


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _number(value: float | None) -> str:
    return "" if value is None else str(value)
