"""What `triggerfish demo` prints of event logs, and what it says where no platform runs."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from local.cli.demo_report import event_logs_table, failure_reasons, lateness_ms, triggers_table
from local.cli.main import app

ID = "01a2033e-7de6-707e-acd8-e1402052fc24"


def a_log(**changes: Any) -> dict[str, Any]:
    attempt = {"number": 1, "started_at": "2026-03-02T12:00:05.004250Z"}
    log = {
        "id": ID,
        "source": "scheduled",
        "status": "success",
        "attempt_count": 1,
        "scheduled_for": "2026-03-02T12:00:05Z",
        "last_status_code": 200,
        "last_error": None,
        "attempts": [attempt],
    }
    return log | changes


def printed(table: Table) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_lateness_is_the_first_attempts_start_after_the_due_time():
    retried = [
        {"number": 1, "started_at": "2026-03-02T12:00:05.004250Z"},
        {"number": 2, "started_at": "2026-03-02T12:00:35Z"},
    ]
    assert lateness_ms(a_log(attempts=retried)) == 4.2


def test_an_event_without_an_attempt_has_no_lateness():
    assert lateness_ms(a_log(attempts=[])) is None


def test_a_row_shows_every_column_in_80_characters():
    row = next(
        line for line in printed(event_logs_table([("in", a_log())])).splitlines() if "…" in line
    )
    assert row.split() == [
        "…52fc24",
        "in",
        "scheduled",
        "success",
        "1",
        "12:00:05.000",
        "4.2",
        "200",
    ]


def test_events_stand_in_the_order_of_their_due_times():
    later, sooner = a_log(scheduled_for="2026-03-02T12:00:09Z"), a_log()
    text = printed(event_logs_table([("later", later), ("sooner", sooner)]))
    assert text.index("sooner") < text.index("later")


def test_a_schema_with_brackets_is_no_markup():
    asked = '{"enum": ["red"]}'
    assert asked in printed(triggers_table([("api", asked, {"id": ID})]))


def test_no_failure_needs_no_reason():
    assert failure_reasons([a_log()]) == []


def test_a_blocked_destination_is_explained_once_by_its_setting():
    blocked = a_log(status="failure", last_error="destination_blocked: not allowed")
    (reason,) = failure_reasons([blocked, blocked])
    assert "TRIGGERFISH_EGRESS_ALLOW" in reason


def test_an_event_that_waits_still_points_to_the_health_page():
    (reason,) = failure_reasons([a_log(status="pending", attempts=[])])
    assert "/health" in reason


def test_without_a_platform_the_demo_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGERFISH_STATE_DIR", str(tmp_path))
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 2
    assert "No platform runs" in result.output
    assert "make up" in result.output


def test_a_platform_that_does_not_answer_is_named():
    result = CliRunner().invoke(app, ["demo", "--url", "http://127.0.0.1:1", "--api-key", "tf_x"])
    assert result.exit_code == 1
    assert "http://127.0.0.1:1 does not answer" in result.output
