"""Retention with a lifetime of seconds: an event is active, then archived, then really gone."""

import time
from datetime import datetime

from tests.e2e.conftest import HURRIED_ACTIVE_SECONDS, HURRIED_ARCHIVE_SECONDS, Note
from tests.e2e.consistency import connect
from tests.e2e.platform import Platform
from tests.e2e.receiver import Endpoint
from tests.e2e.waiting import until

ACTIVE, ARCHIVED = HURRIED_ACTIVE_SECONDS, HURRIED_ARCHIVE_SECONDS
LIFETIME = ACTIVE + ARCHIVED
RUN_SECONDS = 20
"""How long after its time a row may still lie there: runs are a second apart, machines may be slow."""


def state_of(hurried: Platform, event_id: str) -> tuple[float, str, float]:
    """When we asked, what the API says, and when it had answered (Unix seconds)."""
    asked = time.time()
    answer = hurried.request("GET", f"/event-logs/{event_id}")
    state = answer.json()["state"] if answer.status_code == 200 else str(answer.status_code)
    return asked, state, time.time()


def expected(age: float) -> str:
    if age < ACTIVE:
        return "active"
    return "archived" if age < LIFETIME else "404"


def tables_of(hurried: Platform, event_id: str) -> list[str]:
    """Where the row stands, seen in one snapshot."""
    with connect(hurried.database_url) as connection:
        rows = connection.execute(
            "SELECT 'active' FROM event_logs_active WHERE id = %(id)s::uuid"
            " UNION ALL SELECT 'archive' FROM event_logs_archive WHERE id = %(id)s::uuid",
            {"id": event_id},
        ).fetchall()
    return [table for (table,) in rows]


def listed(hurried: Platform, trigger_id: str, view: str) -> list[str]:
    page = hurried.request("GET", "/event-logs", params={"view": view, "trigger_id": trigger_id})
    return [log["id"] for log in page.json()["data"]]


def test_an_event_is_active_then_archived_then_gone_whatever_becomes_of_its_trigger(
    hurried: Platform, endpoint: Endpoint, note: Note
) -> None:
    trigger = hurried.create(type="api", name="short", schema={}, endpoint={"url": endpoint.url()})
    hurried.request("POST", trigger["webhook_url"], {"n": 1})
    log = until(lambda: hurried.log_of(trigger["id"], "success"), 4, what="the delivery")
    fired = datetime.fromisoformat(log["fired_at"]).timestamp()
    assert listed(hurried, trigger["id"], "active") == [log["id"]]
    assert tables_of(hurried, log["id"]) == ["active"]
    assert hurried.request("DELETE", f"/triggers/{trigger['id']}").status_code == 204

    moved = removed = 0.0
    while time.time() < fired + LIFETIME + RUN_SECONDS and not removed:
        asked, state, answered = state_of(hurried, log["id"])
        # Exact between runs too; an answer on the edge may say either.
        assert state in (expected(asked - fired), expected(answered - fired)), asked - fired
        tables = tables_of(hurried, log["id"])
        if tables == ["archive"] and not moved:
            moved = time.time() - fired
            assert listed(hurried, trigger["id"], "active") == []
            assert listed(hurried, trigger["id"], "archived") == [log["id"]]
        removed = 0.0 if tables else time.time() - fired
        assert len(tables) == 1 or removed >= LIFETIME
        time.sleep(0.1)
    assert ACTIVE <= moved < removed
    assert hurried.request("GET", f"/event-logs/{log['id']}").status_code == 404
    assert listed(hurried, trigger["id"], "archived") == []
    note(
        f"retention of {ACTIVE:g} + {ARCHIVED:g} s: moved at {moved:.1f} s, gone at {removed:.1f} s"
    )
