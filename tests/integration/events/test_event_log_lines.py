"""The functions' log lines: one event can be followed from due to done, and no secret shows."""

import asyncio
import json
from typing import Any

import pytest

from tests import functions
from tests.conftest import API_KEY
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.lanes import Api, post_json
from tests.receiver import Receiver
from triggerfish.adapters.behind import catch_up
from triggerfish.settings import Settings


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines() if line[:1] == "{"]


def about(event_id: str, written: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        line
        for line in written
        if line.get("event_id") == event_id or event_id in line.get("event_ids", ())
    ]


async def test_a_webhook_event_can_be_followed_from_its_request_to_its_end(
    api: Api, settings: Settings, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.answer(503, 200)
    trigger = await api.create(an_api_trigger(receiver.url(), retry={"delays_seconds": [0]}))
    accepted = await post_json(api.http, trigger["webhook_url"], b'{"id": 1}')
    event_id = accepted.json()["event_id"]
    await catch_up()  # its message is sent behind the answer
    await functions.work(settings.deliveries_queue_url)

    first, failed, done = about(event_id, lines(capsys))
    assert (first["event"], first["source"]) == ("event_accepted", "api")
    assert first["request_id"] == accepted.headers["x-request-id"]
    assert first["function"] == "fire_webhook"
    for line in (first, failed, done):
        assert line["trigger_id"] == trigger["id"]
    assert (failed["event"], failed["attempt"], failed["outcome"]) == (
        "delivery_attempt",
        1,
        "retry",
    )
    said = "http_503: The endpoint answered 503 Service Unavailable."
    assert (failed["status_code"], failed["error"]) == (503, said)
    assert failed["next_attempt_at"] is not None
    assert failed["lateness_ms"] >= 0
    assert (done["attempt"], done["outcome"], done["status_code"]) == (2, "success", 200)
    assert done["duration_ms"] > 0
    assert (done["next_attempt_at"], done["lateness_ms"], done["error"]) == (None, None, None)


async def test_scheduled_events_are_named_in_one_line_a_batch(
    api: Api, settings: Settings, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(3):
        await api.create(a_scheduled_trigger(receiver.url(), name=f"{n}", schedule={"in": "3s"}))
    await functions.tick(horizon_seconds=5)
    written = lines(capsys)
    [batch] = [line for line in written if line["event"] == "events_fired"]
    rows = {str(id) for (id,) in api.sql("SELECT id FROM event_logs_active")}
    assert (batch["count"], set(batch["event_ids"])) == (3, rows)
    [run] = [line for line in written if line["event"] == "run_done"]
    assert (run["fired"], run["skipped"]) == (3, 0)


@pytest.mark.parametrize("saved", [True, False])
async def test_a_test_run_can_be_followed_from_its_request_to_its_end(
    api: Api,
    settings: Settings,
    receiver: Receiver,
    capsys: pytest.CaptureFixture[str],
    saved: bool,
) -> None:
    body = a_scheduled_trigger(receiver.url(), schedule={"every": "1h"})
    path = f"triggers/{(await api.create(body))['id']}/test-run" if saved else "test-runs"
    accepted = await api.http.post(f"/api/v1/{path}", json={} if saved else body)
    await functions.work(settings.deliveries_queue_url)

    first, done = about(accepted.json()["event_id"], lines(capsys))
    assert (first["event"], first["source"]) == ("event_accepted", "manual-test")
    assert (first["function"], first["request_id"]) == (
        "run_test",
        accepted.headers["x-request-id"],
    )
    assert first["trigger_id"] == done["trigger_id"] == accepted.json()["trigger_id"]
    assert (done["event"], done["outcome"]) == ("delivery_attempt", "success")


async def test_replays_can_be_followed_from_the_old_event_to_the_end_of_the_new_one(
    api: Api, settings: Settings, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    old = [await api.fire(trigger, b'{"id": 1}') for _ in range(2)]
    await functions.work(settings.deliveries_queue_url)
    one = await api.http.post(f"/api/v1/event-logs/{old[0]}/replay")
    many = await api.http.post("/api/v1/event-logs/replay", json={"status": "success"})
    replays = [one.json(), *many.json()["replays"]]
    await functions.work(settings.deliveries_queue_url)

    written = lines(capsys)
    for replay in replays:
        first, done = about(replay["event_id"], written)
        place = first["event_ids"].index(replay["event_id"])
        assert (first["event"], first["replay_of"][place]) == (
            "events_replayed",
            replay["replay_of"],
        )
        assert (first["function"], first["count"]) == ("replay_events", len(first["event_ids"]))
        assert (done["event"], done["outcome"]) == ("delivery_attempt", "success")
    assert {replay["replay_of"] for replay in replays} == set(old)
    requests = [line["request_id"] for line in written if line["event"] == "events_replayed"]
    assert requests == [one.headers["x-request-id"], many.headers["x-request-id"]]


async def test_what_a_tick_skips_is_in_its_lines(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    body = a_scheduled_trigger(
        "https://example.com/hook", schedule={"every": "1h"}, catch_up="none"
    )
    await api.create(body)
    api.sql(
        "UPDATE triggers SET next_fire_at = next_fire_at - CAST('210 min' AS interval),"
        " next_occurrence_at = next_occurrence_at - CAST('210 min' AS interval)"
    )
    await functions.tick()
    written = {line["event"]: line for line in lines(capsys)}
    assert written["events_fired"]["skipped"] == written["run_done"]["skipped"] == 3


async def test_an_attempt_whose_lease_was_lost_is_logged_as_not_recorded(
    api: Api, settings: Settings, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.hold = asyncio.Event()
    event_id = await api.fire(await api.create(an_api_trigger(receiver.url())), b'{"id": 1}')
    working = asyncio.create_task(functions.work(settings.deliveries_queue_url))
    async with asyncio.timeout(20):
        while not receiver.deliveries:
            await asyncio.sleep(0.01)
    api.sql("UPDATE event_logs_active SET attempt = 2")  # as another worker's claim would
    receiver.hold.set()
    await working
    *_, attempt = about(event_id, lines(capsys))
    assert (attempt["outcome"], attempt["recorded"]) == ("success", False)


async def test_no_line_of_a_whole_delivery_shows_a_secret(
    api: Api, settings: Settings, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.answer(500)
    trigger = await api.create(
        an_api_trigger(receiver.url("/customer-path"), retry={"delays_seconds": []})
    )
    await api.fire(trigger, b'{"id": 1, "note": "customer-data"}')
    await post_json(api.http, trigger["webhook_url"], b'{"id": "customer-data"}')
    await functions.work(settings.deliveries_queue_url)
    written = capsys.readouterr().err
    assert "delivery_attempt" in written
    token = trigger["webhook_url"].rpartition("/")[2]
    for secret in (API_KEY, token, trigger["signing_secret"], "customer-data", "customer-path"):
        assert secret not in written
