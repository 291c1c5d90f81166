"""Editing, pausing and resuming triggers over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused, post_json
from tests.integration.vault import secrets_of

HOOK = "https://example.com/hook"
TRIGGERS = "/api/v1/triggers"
WRONG_EDITS: list[tuple[object, str]] = [
    ([], "body"),
    ("x", "body"),
    (1, "body"),
    ({"name": None}, "name"),
    ({"name": ""}, "name"),
    ({"endpoint": None}, "endpoint"),
    ({"endpoint": {"url": "ftp://x"}}, "endpoint.url"),
    ({"schedule": None}, "schedule"),
    ({"schedule": {"at": "2020-01-01T00:00:00Z"}}, "schedule.at"),
    ({"schedule": {"cron": "61 * * * *"}}, "schedule.cron"),
    ({"type": "api"}, "type"),
    ({"type": None}, "type"),
    ({"schema": {}}, "schema"),
    ({"status": "paused"}, "status"),
    ({"bogus": None}, "bogus"),
    ({"catch_up": "some"}, "catch_up"),
    ({"retry": {"delays_seconds": [-1]}}, "retry.delays_seconds[0]"),
]


async def patch(api: Api, trigger: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    answer = await api.http.patch(f"{TRIGGERS}/{trigger['id']}", json=body)
    assert answer.status_code == 200, answer.text
    edited: dict[str, Any] = answer.json()
    shown = {name: value for name, value in edited.items() if name != "warnings"}
    assert shown == await api.get(f"{TRIGGERS}/{trigger['id']}")
    return edited


async def control(api: Api, trigger: dict[str, Any], verb: str) -> dict[str, Any]:
    answer = await api.http.post(f"{TRIGGERS}/{trigger['id']}/{verb}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    assert shown == await api.get(f"{TRIGGERS}/{trigger['id']}")
    return shown


async def test_given_fields_replace_whole_and_the_others_stay(api: Api) -> None:
    endpoint = {"url": HOOK, "headers": {"X-Team": "ops"}, "timeout_seconds": 5}
    body = a_scheduled_trigger(HOOK, schedule={"every": "1h"}, endpoint=endpoint)
    trigger = await api.create(body)
    edited = await patch(api, trigger, {"name": "new", "endpoint": {"url": HOOK}})
    assert edited["endpoint"] == {"url": HOOK, "headers": {}, "timeout_seconds": 15.0}
    assert (edited["name"], edited["revision"]) == ("new", 2)
    for kept in ("schedule", "payload", "retry", "catch_up", "next_fire_at", "created_at"):
        assert edited[kept] == trigger[kept], kept
    assert edited["updated_at"] > trigger["updated_at"]


async def test_null_puts_a_field_back_to_its_default(api: Api) -> None:
    body = a_scheduled_trigger(
        HOOK,
        schedule={"every": "1h"},
        retry={"delays_seconds": [1]},
        catch_up="none",
        catch_up_window_seconds=5,
        catch_up_grace_seconds=0,
    )
    trigger = await api.create(body)
    nothing = dict.fromkeys(
        ("payload", "retry", "catch_up", "catch_up_window_seconds", "catch_up_grace_seconds")
    )
    edited = await patch(api, trigger, nothing)
    assert edited["payload"] == {}
    assert edited["retry"] == {"delays_seconds": [5, 30, 120, 600]}
    assert (edited["catch_up"], edited["catch_up_window_seconds"]) == ("all", 3600)
    assert (trigger["catch_up_grace_seconds"], edited["catch_up_grace_seconds"]) == (0, 60)


async def test_an_api_trigger_keeps_its_url_and_its_secret_when_it_is_edited(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    edited = await patch(api, trigger, {"schema": {"type": "array"}})
    assert edited["webhook_url"] == trigger["webhook_url"]
    assert "signing_secret" not in edited
    assert secrets_of(api, trigger) == {trigger["signing_secret"]}
    await api.fire(trigger, b"[]")
    assert_refused(await post_json(api.http, trigger["webhook_url"], b'{"id": 1}'), 400, "payload")


async def test_a_wrong_edit_names_its_field_and_changes_nothing(api: Api) -> None:
    trigger = await api.create(a_scheduled_trigger(HOOK, schedule={"every": "1h"}))
    for body, field in WRONG_EDITS:
        answer = await api.http.patch(f"{TRIGGERS}/{trigger['id']}", json=body)
        assert_refused(answer, 400, field)
    shown = await api.get(f"{TRIGGERS}/{trigger['id']}")
    assert shown == {name: trigger[name] for name in shown}
    assert api.stored()["trigger_revisions"] == 1


async def test_a_paused_trigger_answers_its_webhook_409_until_it_is_resumed(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    await api.fire(trigger, b'{"id": 1}')
    assert (await control(api, trigger, "pause"))["status"] == "paused"
    assert_refused(await post_json(api.http, trigger["webhook_url"], b'{"id": 2}'), 409)
    assert (await control(api, trigger, "pause"))["status"] == "paused"
    assert (await control(api, trigger, "resume"))["status"] == "active"
    assert (await control(api, trigger, "resume"))["status"] == "active"
    await api.fire(trigger, b'{"id": 3}')
    assert api.stored()["event_logs_active"] == 2


async def test_a_paused_schedule_has_no_next_fire_until_it_is_resumed(api: Api) -> None:
    trigger = await api.create(a_scheduled_trigger(HOOK, schedule={"every": "1h"}))
    assert (await control(api, trigger, "pause"))["next_fire_at"] is None
    assert (await control(api, trigger, "resume"))["next_fire_at"] == trigger["next_fire_at"]


async def test_a_trigger_that_is_over_is_not_paused_and_not_resumed(api: Api) -> None:
    trigger = await api.create(a_scheduled_trigger(HOOK, schedule={"in": "1h"}))
    disabled = "status = 'disabled', disabled_at = now(), disabled_reason = 'gone'"
    ends = {"status = 'completed', next_fire_at = NULL": ("pause", "resume"), disabled: ("pause",)}
    for end, verbs in ends.items():
        api.sql(f"UPDATE triggers SET {end}")
        for verb in verbs:
            assert_refused(await api.http.post(f"{TRIGGERS}/{trigger['id']}/{verb}"), 409)
    assert (await control(api, trigger, "resume"))["status"] == "active"


async def test_only_the_owner_with_the_scope_may_change_a_trigger(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    stranger = an_api_key(api, "tf_stranger_0123456789", "triggers:read", "triggers:write")
    reader = an_api_key(api, "tf_reader_00123456789", "triggers:read")
    for method, path in (("PATCH", ""), ("POST", "/pause"), ("POST", "/resume")):
        for id in (trigger["id"], str(uuid4()), "x"):
            url = f"{TRIGGERS}/{id}{path}"
            answer = await api.http.request(method, url, json={"name": "n"}, headers=stranger)
            assert_refused(answer, 404)
        url = f"{TRIGGERS}/{trigger['id']}{path}"
        answer = await api.http.request(method, url, json={"name": "n"}, headers=reader)
        assert_refused(answer, 403)


async def test_a_wrong_method_is_told_the_right_ones(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    posted = "OPTIONS, POST"
    whole = "DELETE, GET, HEAD, OPTIONS, PATCH"
    for path, allowed in {"": whole, "/pause": posted, "/resume": posted}.items():
        answer = await api.http.put(f"{TRIGGERS}/{trigger['id']}{path}", json={})
        assert_refused(answer, 405)
        assert answer.headers["allow"] == allowed


UNREACHABLE = ["http://10.1.2.3/hook", "http://169.254.169.254/latest", "http://127.0.0.1:22/"]


@pytest.mark.parametrize("url", UNREACHABLE)
@pytest.mark.attack("inside addresses: refused when the trigger is made")
async def test_an_address_that_no_delivery_can_reach_is_refused_in_the_definition(
    api: Api, url: str
) -> None:
    endpoint = {"url": url}
    trigger = await api.create(an_api_trigger(HOOK))
    unsaved = an_api_trigger(HOOK, endpoint=endpoint)
    for answer in (
        await api.http.post(TRIGGERS, json=unsaved),
        await api.http.patch(f"{TRIGGERS}/{trigger['id']}", json={"endpoint": endpoint}),
        await api.http.post("/api/v1/test-runs", json=unsaved | {"payload": {"id": 1}}),
    ):
        assert_refused(answer, 400)
        [detail] = answer.json()["error"]["details"]
        assert detail["field"] == "endpoint.url"
        assert ("TRIGGERFISH_EGRESS_ALLOW" in detail["message"]) == (url == UNREACHABLE[0])


async def test_a_trigger_whose_address_was_closed_later_can_still_be_edited(api: Api) -> None:
    trigger = await api.create(an_api_trigger("http://127.0.0.1:9000/x"))
    api.sql(
        "UPDATE trigger_revisions SET endpoint = jsonb_set(endpoint, '{url}', %s::jsonb)",
        '"http://10.1.2.3/x"',
    )
    assert (await patch(api, trigger, {"name": "renamed"}))["name"] == "renamed"
