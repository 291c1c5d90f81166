"""Create triggers and fire them over HTTP: what is valid is stored, what is not leaves no trace."""

import pytest

from tests import functions
from tests.conftest import API_KEY
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.lanes import Api, assert_refused, post_json
from tests.receiver import Receiver
from triggerfish.adapters.behind import catch_up
from triggerfish.domain.hops import HEADER, LOOP_DETECTED, MAX_HOPS
from triggerfish.settings import Settings

HOOK = "https://example.com/hook"


async def test_a_created_scheduled_trigger_shows_what_it_will_do(api: Api) -> None:
    body = a_scheduled_trigger(HOOK, schedule={"cron": "0 9 * * MON-FRI", "timezone": "Asia/Tokyo"})
    created = await api.create(body)
    assert created["status"] == "active"
    assert created["schedule"] == {"cron": "0 9 * * MON-FRI", "timezone": "Asia/Tokyo"}
    assert created["endpoint"] == {"url": HOOK, "headers": {}, "timeout_seconds": 15.0}
    assert created["payload"] == {"hello": "world"}
    assert created["next_fire_at"].endswith("00:00:00Z")
    assert created["signing_secret"].startswith("whsec_")


async def test_each_kind_of_schedule_is_accepted(api: Api) -> None:
    for schedule in (
        {"at": "2999-01-01T00:00:00Z"},
        {"in": "10m"},
        {"in": "PT10M"},
        {"every": "30m"},
        {"every": "1h", "start_at": "2999-01-01T00:00:00Z", "max_fires": 3, "jitter_seconds": 5},
        {"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin"},
        {"interval": 30, "unit": "minutes", "is_recurring": False},
    ):
        created = await api.create(a_scheduled_trigger(HOOK, schedule=schedule))
        assert created["next_fire_at"] is not None, schedule


async def test_an_api_trigger_gets_a_webhook_url_and_shows_its_schema(api: Api) -> None:
    body = an_api_trigger(HOOK)
    created = await api.create(body)
    assert created["schema"] == body["schema"]
    assert created["webhook_url"].startswith("http://triggerfish.test/api/v1/webhook/")
    assert "signing_secret" not in await api.get(f"/api/v1/triggers/{created['id']}")


async def test_a_schema_with_giant_numbers_is_shown_as_it_was_sent_and_holds(api: Api) -> None:
    schema = {"type": "integer", "maximum": 10**300, "exclusiveMinimum": -1.5e308}
    created = await api.create(an_api_trigger(HOOK, schema=schema))
    assert created["schema"] == schema
    shown = await api.get(f"/api/v1/triggers/{created['id']}")
    assert shown["schema"]["maximum"] == 10**300
    await api.fire(created, b"%d" % 10**299)
    answer = await post_json(api.http, created["webhook_url"], b"%d" % 10**301)
    assert_refused(answer, 400, "payload")


async def test_a_valid_call_is_stored_before_it_is_answered_and_delivered_byte_for_byte(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    body = '{ "id": 1,\n "note": "spät \\ud83d\\ude00", "n": 1.10, "big": 12345678901234567890 }'
    event_id = await api.fire(trigger, body.encode())
    [(stored, status)] = api.sql(
        "SELECT payload, status FROM event_logs_active WHERE id = %s", event_id
    )
    assert (stored, status) == (body, "pending")

    await functions.work(settings.deliveries_queue_url)
    [delivery] = receiver.deliveries
    assert delivery.body == body.encode()
    assert delivery.headers["webhook-id"] == event_id
    answer = await api.http.get(f"/api/v1/event-logs/{event_id}")
    assert body in answer.text
    log = answer.json()
    assert (log["status"], log["attempt_count"], log["last_status_code"]) == ("success", 1, 200)
    assert (log["source"], log["is_test"], log["trigger_id"]) == ("api", False, trigger["id"])
    [attempt] = log["attempts"]
    assert (attempt["number"], attempt["status_code"]) == (1, 200)
    assert attempt["duration_ms"] > 0


async def test_the_url_is_sent_and_shown_byte_for_byte(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    target = "/a%2Fb%3a/./c//?sig=%2F%3A%40%28&x=a+b"
    trigger = await api.create(an_api_trigger(receiver.url(target)))
    assert trigger["endpoint"]["url"] == receiver.url(target)
    event_id = await api.fire(trigger, b'{"id": 1}')
    await functions.work(settings.deliveries_queue_url)
    assert [delivery.target for delivery in receiver.deliveries] == [target]
    [attempt] = (await api.get(f"/api/v1/event-logs/{event_id}"))["attempts"]
    assert attempt["url"] == receiver.url(target)


async def test_a_due_trigger_is_fired_by_the_tick_and_delivered_once(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(a_scheduled_trigger(receiver.url(), schedule={"in": "1s"}))
    for _ in range(2):
        await functions.tick()
        await functions.work(settings.deliveries_queue_url)
    assert [delivery.body for delivery in receiver.deliveries] == [b'{"hello":"world"}']
    [log] = (await api.get("/api/v1/event-logs", trigger_id=trigger["id"]))["data"]
    assert (log["status"], log["source"]) == ("success", "scheduled")
    shown = await api.get(f"/api/v1/triggers/{trigger['id']}")
    assert (shown["status"], shown["fired_count"]) == ("completed", 1)
    assert shown["next_fire_at"] is None


async def test_an_invalid_call_names_the_field_and_stores_no_event(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    for payload, field in (
        (b"{}", "id"),
        (b'{"id": "one"}', "id"),
        (b'{"id": 1, "note": null}', "note"),
        (b"[]", "payload"),
        (b"", "payload"),
        (b"{", "payload"),
    ):
        answer = await post_json(api.http, trigger["webhook_url"], payload)
        assert_refused(answer, 400, field)
    assert api.stored()["event_logs_active"] == 0


async def test_every_wrong_field_of_a_definition_is_named_at_once(api: Api) -> None:
    body = a_scheduled_trigger(
        "ftp://example.com", name="", schedule={"cron": "99 * * * *", "timezone": "Mars/Base"}
    )
    answer = await api.http.post("/api/v1/triggers", json=body | {"colour": "red"})
    assert_refused(answer, 400)
    named = {detail["field"] for detail in answer.json()["error"]["details"]}
    assert named == {"colour", "name", "endpoint.url", "schedule.cron", "schedule.timezone"}
    assert set(api.stored().values()) == {0}


async def test_a_deleted_or_paused_trigger_accepts_no_calls(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    await api.fire(trigger, b'{"id": 1}')  # now the webhook's target is remembered
    api.sql("UPDATE triggers SET status = 'paused' WHERE id = %s", trigger["id"])
    assert_refused(await post_json(api.http, trigger["webhook_url"], b'{"id": 2}'), 409)
    assert (await api.http.delete(f"/api/v1/triggers/{trigger['id']}")).status_code == 204
    assert_refused(await post_json(api.http, trigger["webhook_url"], b'{"id": 3}'), 404)
    assert api.stored()["event_logs_active"] == 1


async def test_a_webhook_needs_no_key_and_a_key_opens_no_webhook(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    del api.http.headers["authorization"]
    await api.fire(trigger, b'{"id": 1}')
    for token in ("unknown", API_KEY, trigger["id"], "é", "a" * 5000):
        answer = await post_json(api.http, f"/api/v1/webhook/{token}", b'{"id": 1}')
        assert_refused(answer, 404)
    assert api.stored()["event_logs_active"] == 1


@pytest.mark.attack("loops of triggers")
async def test_a_chain_of_triggers_ends_and_the_log_says_why(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    headers: dict[str, str] = {}
    for hop in range(1, MAX_HOPS + 1):
        answer = await post_json(api.http, trigger["webhook_url"], b'{"id": 1}', **headers)
        assert answer.status_code == 202
        await catch_up()  # its message is sent behind the answer
        await functions.work(settings.deliveries_queue_url)
        headers = {HEADER: receiver.deliveries[-1].headers[HEADER]}
        assert headers == {HEADER: str(hop)}
    answer = await post_json(api.http, trigger["webhook_url"], b'{"id": 1}', **headers)
    await catch_up()
    await functions.work(settings.deliveries_queue_url)
    assert len(receiver.deliveries) == MAX_HOPS
    log = await api.get(f"/api/v1/event-logs/{answer.json()['event_id']}")
    assert (log["status"], log["attempt_count"]) == ("failure", 1)
    assert log["last_error"].startswith(LOOP_DETECTED)
