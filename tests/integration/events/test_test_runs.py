"""Test runs: an event of a trigger or of an unsaved definition, delivered as usual, no trigger made."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, detail, logs
from tests.integration.keys import an_api_key, own_project
from tests.integration.lanes import Api, assert_refused, post_json
from tests.integration.rows import count
from tests.receiver import Receiver
from triggerfish.domain.access import SCOPES, Principal
from triggerfish.domain.errors import NotFound
from triggerfish.settings import Settings
from triggerfish.usecases.manage_triggers import delete_trigger
from triggerfish.usecases.run_test import run_test, run_unsaved_test
from triggerfish.wiring import Wiring

HOOK = "https://example.com/hook"
UNSAVED = "/api/v1/test-runs"


def of(trigger: dict[str, Any]) -> str:
    return f"/api/v1/triggers/{trigger['id']}/test-run"


async def accepted(api: Api, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await api.http.post(path, json=body) if body is not None else await api.http.post(path)
    assert answer.status_code == 202, answer.text
    started: dict[str, Any] = answer.json()
    assert (started["status"], started["is_test"]) == ("pending", True)
    return started


async def test_a_test_run_of_a_scheduled_trigger_delivers_its_payload_once_and_marks_it(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(a_scheduled_trigger(receiver.url(), schedule={"in": "1h"}))
    started = await accepted(api, of(trigger))
    await functions.work(settings.deliveries_queue_url)
    [delivery] = receiver.deliveries
    assert delivery.body == b'{"hello":"world"}'
    Webhook(trigger["signing_secret"]).verify(delivery.body, delivery.headers)

    log = await api.get(f"/api/v1/event-logs/{started['event_id']}")
    assert (log["status"], log["source"], log["is_test"]) == ("success", "manual-test", True)
    assert (log["trigger_id"], log["trigger_type"]) == (trigger["id"], "scheduled")
    assert log["note"] == started["note"] == 'Test run of "nightly"'
    shown = await api.get(f"/api/v1/triggers/{trigger['id']}")
    assert (shown["fired_count"], shown["next_fire_at"]) == (0, trigger["next_fire_at"])
    tests = (await api.get("/api/v1/event-logs", source="manual-test", is_test="true"))["data"]
    assert [test["id"] for test in tests] == [log["id"]]


async def test_a_test_run_of_an_api_trigger_sends_the_given_payload_with_the_given_note(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    body = {"payload": {"id": 7, "note": "spät"}, "note": "before the launch"}
    started = await accepted(api, of(trigger), body)
    await functions.work(settings.deliveries_queue_url)
    assert [one.body for one in receiver.deliveries] == ['{"id":7,"note":"spät"}'.encode()]
    log = await api.get(f"/api/v1/event-logs/{started['event_id']}")
    assert (log["note"], log["payload"]) == ("before the launch", body["payload"])
    assert "signing_secret" not in started


async def test_a_test_run_whose_payload_does_not_fit_names_the_field_and_stores_nothing(
    api: Api,
) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    scheduled = await api.create(a_scheduled_trigger(HOOK, schedule={"in": "1h"}))
    before = api.stored()
    for path, body, field in [
        (of(trigger), {"payload": {"id": "x"}}, "payload.id"),
        (of(trigger), {"payload": {}}, "payload.id"),
        (of(trigger), {}, "payload.id"),
        (of(trigger), {"payload": []}, "payload"),
        (of(trigger), {"payload": {"id": 1}, "note": ""}, "note"),
        (of(trigger), {"payload": {"id": 1}, "note": "n" * 501}, "note"),
        (of(trigger), {"payload": {"id": 1, "note": "x" * 262144}}, "payload"),
        (of(trigger), {"payload": {"id": 1}, "colour": "red"}, "colour"),
        (of(scheduled), {"payload": {}}, "payload"),
        (of(scheduled), {"note": 1}, "note"),
        (of(scheduled), [], "body"),
    ]:
        assert_refused(await api.http.post(path, json=body), 400, field)
    assert_refused(await api.http.post(of(trigger)), 400, "payload.id")
    assert_refused(await api.http.post(of(trigger), content=b"{}"), 415)
    assert_refused(await post_json(api.http, of(trigger), b'{"payload": NaN}'), 400)
    assert api.stored() == before


@pytest.mark.parametrize("body", [a_scheduled_trigger, an_api_trigger])
async def test_an_unsaved_definition_is_fired_once_and_no_trigger_is_left(
    api: Api, settings: Settings, receiver: Receiver, body: Any
) -> None:
    extra = {"payload": {"id": 1}, "note": "a try"}
    if body is a_scheduled_trigger:
        extra["schedule"] = {"cron": "0 9 * * *"}
    started = await accepted(api, UNSAVED, body(receiver.url()) | extra)
    await functions.work(settings.deliveries_queue_url)
    await functions.tick()
    await functions.work(settings.deliveries_queue_url)
    [delivery] = receiver.deliveries
    assert delivery.body == b'{"id":1}'
    Webhook(started["signing_secret"]).verify(delivery.body, delivery.headers)

    log = await api.get(f"/api/v1/event-logs/{started['event_id']}")
    assert (log["status"], log["source"], log["note"]) == ("success", "manual-test", "a try")
    assert (log["trigger_id"], started["trigger_id"]) == (None, None)
    stored = api.stored()
    assert (stored["triggers"], stored["trigger_revisions"]) == (0, 1)
    assert (await api.get("/api/v1/triggers"))["data"] == []


async def test_an_unsaved_definition_that_is_wrong_names_every_field_and_stores_nothing(
    api: Api,
) -> None:
    scheduled, with_schema = a_scheduled_trigger(HOOK), an_api_trigger(HOOK)
    for body, fields in [
        ([], {"body"}),
        ({}, {"endpoint", "name", "type"}),
        ({"type": []}, {"endpoint", "name", "type"}),
        (scheduled | {"name": "", "note": 5, "colour": 1}, {"name", "note", "colour"}),
        (scheduled | {"endpoint": None, "in": "soon"}, {"endpoint", "in"}),
        (scheduled | {"in": "25h"}, {"in"}),
        (scheduled | {"in": "0s"}, {"in"}),
        (scheduled | {"schedule": {"in": "25h"}}, {"schedule.in"}),
        (
            scheduled | {"schedule": {"interval": 2, "unit": "days", "is_recurring": False}},
            {"schedule.interval"},
        ),
        (scheduled | {"schedule": None}, {"schedule"}),
        (scheduled | {"schema": {}}, {"schema"}),
        (with_schema, {"payload.id"}),
        (with_schema | {"payload": {"id": None}, "note": ""}, {"payload.id", "note"}),
        (with_schema | {"payload": {"id": 1}, "in": "5s"}, {"in"}),
        (with_schema | {"payload": {"id": 1}, "schema": {"type": 1}}, {"schema.type"}),
    ]:
        answer = await api.http.post(UNSAVED, json=body)
        assert_refused(answer, 400)
        named = {detail["field"] for detail in answer.json()["error"]["details"]}
        assert named == fields, (body, named)
    assert set(api.stored().values()) == {0}


async def test_a_test_run_needs_the_scope_to_write_and_a_trigger_of_the_project(api: Api) -> None:
    trigger = await api.create(a_scheduled_trigger(HOOK, schedule={"in": "1h"}))
    reader = an_api_key(
        api,
        "tf_reads_only_and_replays",
        "triggers:read",
        "events:read",
        "events:replay",
        project_id=own_project(api),
    )
    foreign = an_api_key(api, "tf_of_another_project", *SCOPES)
    for path, body in ((of(trigger), {}), (UNSAVED, a_scheduled_trigger(HOOK))):
        assert_refused(await api.http.post(path, json=body, headers=reader), 403)
        wrong = {"authorization": "Bearer wrong"}
        assert_refused(await api.http.post(path, json=body, headers=wrong), 401)
        got = await api.http.get(path)
        assert_refused(got, 405)
        assert got.headers["allow"] == "OPTIONS, POST"
    assert_refused(await api.http.post(of(trigger), headers=foreign), 404)
    assert_refused(await api.http.post(of({"id": uuid4()})), 404)
    assert_refused(await api.http.post(of({"id": "x"})), 404)
    assert api.stored()["event_logs_active"] == 0


@pytest.mark.parametrize("status", ["paused", "completed"])
async def test_a_trigger_that_is_not_active_can_be_tested_and_stays_as_it_is(
    api: Api, settings: Settings, receiver: Receiver, status: str
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    api.sql("UPDATE triggers SET status = %s", status)
    await accepted(api, of(trigger), {"payload": {"id": 1}})
    await functions.work(settings.deliveries_queue_url)
    assert len(receiver.deliveries) == 1
    assert (await api.get(f"/api/v1/triggers/{trigger['id']}"))["status"] == status


LATER: list[dict[str, Any]] = [
    {"schedule": {"in": "5s"}},
    {"in": "5s"},
    {"in": "5s", "schedule": {"cron": "0 9 * * *"}},
    {"schedule": {"interval": 5, "unit": "seconds", "is_recurring": False}},
]


@pytest.mark.parametrize("when", LATER, ids=str)
async def test_a_scheduled_definition_fires_once_later_when_it_says_in(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver, when: dict[str, Any]
) -> None:
    body = a_scheduled_trigger(receiver.url())
    if "schedule" not in when:
        del body["schedule"]
    started = await run_unsaved_test(body | when, caller, parts.run_test)
    asked_at = clock.now()
    assert started.event.due_at == asked_at + timedelta(seconds=5)
    assert functions.messages(parts.settings.deliveries_queue_url) == []
    waiting = await detail(parts, caller, started.event.id)
    assert (waiting.log.status, waiting.state) == ("pending", "active")
    assert await logs(parts, caller) == []  # lists show it from when it fires

    for _ in range(6):
        await functions.tick()
        await functions.work(parts.settings.deliveries_queue_url)
        clock.advance(seconds=1)
    [log] = await logs(parts, caller)
    [attempt] = (await detail(parts, caller, started.event.id)).log.attempts
    assert (log.log.id, log.log.status) == (started.event.id, "success")
    # Never early and not late, though no message was sent at the beginning.
    assert attempt["started_at"] == "2026-03-02T12:00:05Z"
    await functions.tick()
    await functions.work(parts.settings.deliveries_queue_url)
    assert len(receiver.deliveries) == 1


@pytest.mark.parametrize(
    "schedule", [{"every": "1h"}, {"cron": "0 9 * * *"}, {"at": "2030-01-01T00:00:00Z"}], ids=str
)
async def test_a_definition_that_does_not_say_in_fires_at_once(
    parts: Wiring, caller: Principal, clock: VirtualClock, schedule: dict[str, Any]
) -> None:
    body = a_scheduled_trigger(HOOK, schedule=schedule)
    assert (await run_unsaved_test(body, caller, parts.run_test)).event.due_at == clock.now()


async def test_a_failed_test_run_is_retried_like_any_event(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(500, 200)
    body = a_scheduled_trigger(receiver.url(), schedule={"every": "1h"})
    started = await run_unsaved_test(body, caller, parts.run_test)
    await functions.work(parts.settings.deliveries_queue_url)
    clock.advance(seconds=6)
    await functions.tick()
    await functions.work(parts.settings.deliveries_queue_url)
    log = (await detail(parts, caller, started.event.id)).log
    assert (log.status, log.attempt_count) == ("success", 2)
    assert len({one.headers["webhook-id"] for one in receiver.deliveries}) == 1


async def test_the_definition_of_an_unsaved_test_is_kept_as_long_as_its_event(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver, database_url: str
) -> None:
    body = a_scheduled_trigger(receiver.url(), schedule={"in": "10h"})
    started = await run_unsaved_test(body, caller, parts.run_test)
    clock.advance(hours=57, minutes=59)
    await functions.retention()
    assert count(database_url, "trigger_revisions") == 1
    assert (await detail(parts, caller, started.event.id)).state == "archived"
    clock.advance(minutes=1)
    await functions.retention()
    assert count(database_url, "trigger_revisions") == 0
    with pytest.raises(NotFound):
        await detail(parts, caller, started.event.id)


async def test_a_test_run_outlives_its_trigger(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, a_scheduled_trigger(receiver.url()))
    started = await run_test(trigger.id, {}, caller, parts.run_test)
    await delete_trigger(trigger.id, caller, parts.manage_triggers)
    await functions.work(parts.settings.deliveries_queue_url)
    assert len(receiver.deliveries) == 1
    assert (await detail(parts, caller, started.event.id)).log.trigger_id == trigger.id
    with pytest.raises(NotFound):
        await run_test(trigger.id, {}, caller, parts.run_test)
