"""Retention with a lifetime of seconds: an event is active, then archived, then really gone."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.conftest import Note
from tests.e2e.consistency import connect
from tests.e2e.platform import Platform, platform
from tests.e2e.receiver import Endpoint
from tests.e2e.waiting import until

ACTIVE, ARCHIVED = 5.0, 10.0
LIFETIME = ACTIVE + ARCHIVED
RUN_SECONDS = 20
"""How long after its time a row may still lie there: runs are a second apart, machines may be slow."""


@pytest.fixture(scope="module")
def short_lived() -> Iterator[Platform]:
    settings = {"ACTIVE_SECONDS": "5", "ARCHIVE_SECONDS": "10", "RETENTION_SECONDS": "1"}
    with platform(settings) as one:
        yield one


def state_of(short_lived: Platform, event_id: str) -> tuple[float, str, float]:
    """When we asked, what the API says, and when it had answered (Unix seconds)."""
    asked = time.time()
    answer = short_lived.request("GET", f"/event-logs/{event_id}")
    state = answer.json()["state"] if answer.status_code == 200 else str(answer.status_code)
    return asked, state, time.time()


def expected(age: float) -> str:
    if age < ACTIVE:
        return "active"
    return "archived" if age < LIFETIME else "404"


def tables_of(short_lived: Platform, event_id: str) -> list[Any]:
    with connect(short_lived.database_url) as connection:
        return [
            table
            for table in ("event_logs_active", "event_logs_archive")
            if connection.execute(
                f"SELECT 1 FROM {table} WHERE id = %s::uuid", (event_id,)
            ).fetchone()
        ]


def listed(short_lived: Platform, trigger_id: str, view: str) -> list[str]:
    page = short_lived.request(
        "GET", "/event-logs", params={"view": view, "trigger_id": trigger_id}
    )
    return [log["id"] for log in page.json()["data"]]


def test_an_event_is_active_then_archived_then_gone_whatever_becomes_of_its_trigger(
    short_lived: Platform, endpoint: Endpoint, note: Note
) -> None:
    trigger = short_lived.create(
        type="api", name="short", schema={}, endpoint={"url": endpoint.url()}
    )
    short_lived.request("POST", trigger["webhook_url"], {"n": 1})
    log = until(lambda: short_lived.log_of(trigger["id"], "success"), 4, what="the delivery")
    fired = datetime.fromisoformat(log["fired_at"]).timestamp()
    assert listed(short_lived, trigger["id"], "active") == [log["id"]]
    assert tables_of(short_lived, log["id"]) == ["event_logs_active"]
    assert short_lived.request("DELETE", f"/triggers/{trigger['id']}").status_code == 204

    moved = removed = 0.0
    while time.time() < fired + LIFETIME + RUN_SECONDS and not removed:
        asked, state, answered = state_of(short_lived, log["id"])
        # Exact between runs too; an answer on the edge may say either.
        assert state in (expected(asked - fired), expected(answered - fired)), asked - fired
        tables = tables_of(short_lived, log["id"])
        if tables == ["event_logs_archive"] and not moved:
            moved = time.time() - fired
            assert listed(short_lived, trigger["id"], "active") == []
            assert listed(short_lived, trigger["id"], "archived") == [log["id"]]
        removed = 0.0 if tables else time.time() - fired
        assert len(tables) == 1 or removed >= LIFETIME
        time.sleep(0.1)
    assert ACTIVE <= moved < removed
    assert short_lived.request("GET", f"/event-logs/{log['id']}").status_code == 404
    assert listed(short_lived, trigger["id"], "archived") == []
    note(
        f"retention of {ACTIVE:g} + {ARCHIVED:g} s: moved at {moved:.1f} s, gone at {removed:.1f} s"
    )
