"""A trigger is made, fires, and its event arrives, over HTTP from end to end."""

from datetime import datetime

import pytest

from tests.e2e.conftest import Note
from tests.e2e.consistency import check_consistency, connect
from tests.e2e.platform import Platform
from tests.e2e.receiver import Endpoint
from tests.e2e.waiting import until
from triggerfish.domain.hops import MAX_HOPS

pytestmark = pytest.mark.queue

ORDER = b'{"id":  "A-1", "total": 10.50, "who": "J\\u00f6rg \xe2\x82\xac"}'
"""Spaces, a trailing zero, an escape and a bare euro sign: what a re-encoding would change."""


@pytest.mark.parametrize("delay", ["5s", "1s"])
def test_a_one_shot_trigger_arrives_at_its_time_and_never_before(
    shared: Platform, endpoint: Endpoint, note: Note, delay: str
) -> None:
    trigger = shared.create(
        type="scheduled",
        name=f"in {delay}",
        schedule={"in": delay},
        endpoint={"url": endpoint.url()},
        payload={"n": 1},
    )
    due = datetime.fromisoformat(trigger["next_fire_at"]).timestamp()
    log = until(lambda: shared.log_of(trigger["id"], "success"), 30, what="the successful event")
    (delivery,) = endpoint.deliveries()

    lateness = delivery.arrived_at - due
    note(f"in {delay}: arrived {lateness * 1000:.0f} ms after it was due")
    assert 0 <= lateness <= 10
    assert delivery.body == b'{"n":1}'
    assert delivery.headers["webhook-id"] == log["id"]
    assert datetime.fromisoformat(log["scheduled_for"]).timestamp() == pytest.approx(due)
    assert log["attempt_count"] == 1
    (attempt,) = log["attempts"]
    assert (attempt["number"], attempt["status_code"], attempt["error"]) == (1, 200, None)
    assert 0 < attempt["duration_ms"] < 10_000
    check_consistency(shared.database_url)


def test_an_accepted_payload_is_committed_and_arrives_byte_for_byte(
    shared: Platform, endpoint: Endpoint
) -> None:
    trigger = shared.create(
        type="api",
        name="orders",
        schema={"type": "object", "required": ["id"]},
        endpoint={"url": endpoint.url()},
    )
    with connect(shared.database_url) as connection:
        answer = shared.request(
            "POST",
            trigger["webhook_url"],
            content=ORDER,
            headers={"Content-Type": "application/json"},
        )
        row = connection.execute(
            "SELECT payload FROM event_logs_active WHERE id = %s::uuid",
            (answer.json()["event_id"],),
        ).fetchone()
    assert answer.status_code == 202
    assert row is not None, "the event was acknowledged before it was committed"
    assert row[0].encode() == ORDER

    log = until(lambda: shared.log_of(trigger["id"], "success"), 20, what="the delivery")
    assert [one.body for one in endpoint.deliveries()] == [ORDER]
    detail = shared.request("GET", f"/event-logs/{log['id']}").content
    assert ORDER in detail


def test_a_refused_payload_names_its_field_and_leaves_no_event(
    shared: Platform, endpoint: Endpoint
) -> None:
    trigger = shared.create(
        type="api",
        name="orders",
        schema={"type": "object", "properties": {"total": {"type": "number", "minimum": 0}}},
        endpoint={"url": endpoint.url()},
    )
    answer = shared.request("POST", trigger["webhook_url"], {"total": -1})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert [detail["field"] for detail in error["details"]] == ["total"]
    with connect(shared.database_url) as connection:
        rows = connection.execute(
            "SELECT id FROM event_logs_active WHERE trigger_id = %s::uuid", (trigger["id"],)
        ).fetchall()
    assert rows == []
    assert shared.log_of(trigger["id"]) is None


@pytest.mark.attack("loops of triggers")
def test_a_trigger_that_delivers_to_its_own_webhook_comes_to_an_end(
    shared: Platform, endpoint: Endpoint
) -> None:
    trigger = shared.create(
        type="api", name="ouroboros", schema={}, endpoint={"url": endpoint.url()}
    )
    path = f"/triggers/{trigger['id']}"
    patched = shared.request("PATCH", path, {"endpoint": {"url": trigger["webhook_url"]}})
    assert patched.status_code == 200, patched.text
    assert shared.request("POST", trigger["webhook_url"], {"n": 1}).status_code == 202
    last = until(lambda: shared.log_of(trigger["id"], "failure"), 60, what="the end of the loop")
    assert last["last_error"].startswith("loop_detected")
    page = shared.request("GET", f"/event-logs?trigger_id={trigger['id']}").json()
    assert [log["status"] for log in page["data"]] == ["failure"] + ["success"] * MAX_HOPS
