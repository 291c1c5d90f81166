"""Event logs over HTTP: views exact to the second, filters, pages, and nobody else's events."""

from typing import Any
from uuid import UUID, uuid4

from tests import functions
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.events.logs import age, fired
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused
from tests.receiver import Receiver
from triggerfish.settings import Settings

HOOK = "https://example.com/hook"
LOGS = "/api/v1/event-logs"


async def ids(api: Api, **query: Any) -> list[str]:
    return [log["id"] for log in (await api.get(LOGS, **query))["data"]]


async def test_logs_are_listed_newest_first_and_filtered(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    orders = await api.create(an_api_trigger(receiver.url("/orders")))
    other = await api.create(an_api_trigger(HOOK, name="other"))
    delivered = await api.fire(orders, b'{"id": 1}')
    await functions.work(settings.deliveries_queue_url)
    pending = await api.fire(other, b'{"id": 2}')
    assert await ids(api) == [pending, delivered]
    assert await ids(api, trigger_id=orders["id"]) == [delivered]
    assert await ids(api, status="pending") == [pending]
    assert await ids(api, status="success", source="api") == [delivered]
    assert await ids(api, source="scheduled") == []
    assert await ids(api, is_test="true") == []
    assert await ids(api, is_test="false", view="active") == [pending, delivered]
    assert await ids(api, trigger_id=uuid4()) == []


async def test_tests_and_real_events_are_told_apart_in_both_views(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    path = f"/api/v1/triggers/{trigger['id']}/test-run"
    real = await fired(api, trigger, 2)
    tests = [
        (await api.http.post(path, json={"payload": {"id": n}})).json()["event_id"] for n in (1, 2)
    ]
    for event_id in (real[0], tests[0]):
        age(api, event_id, "3 hours")
    for view, old in (("active", 1), ("archived", 0)):
        assert await ids(api, view=view, is_test="true") == [tests[old]]
        assert await ids(api, view=view, is_test="false") == [real[old]]
        assert await ids(api, view=view, is_test="true", trigger_id=trigger["id"]) == [tests[old]]
        assert set(await ids(api, view=view)) == {tests[old], real[old]}
    assert await ids(api, is_test="true", source="api") == []


async def test_from_and_to_are_inclusive(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    first, second, third = await fired(api, trigger, 3)
    times = {log["id"]: log["fired_at"] for log in (await api.get(LOGS))["data"]}
    assert await ids(api, **{"from": times[second]}) == [third, second]
    assert await ids(api, to=times[second]) == [second, first]
    assert await ids(api, **{"from": times[second], "to": times[second]}) == [second]


async def test_pages_neither_repeat_nor_miss_while_events_arrive(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    expected = (await fired(api, trigger, 5))[::-1]
    seen: list[str] = []
    page = await api.get(LOGS, limit=2)
    while True:
        seen += [log["id"] for log in page["data"]]
        if page["next_cursor"] is None:
            break
        await fired(api, trigger, 1)
        page = await api.get(LOGS, limit=2, cursor=page["next_cursor"])
    assert seen == expected


async def test_a_view_goes_by_the_age_of_an_event_not_by_its_table(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    fresh, active, archived, kept, gone = await fired(api, trigger, 5)
    age(api, active, "1:59:50")
    age(api, archived, "2:00:01")
    age(api, kept, "47:59:50")
    age(api, gone, "48:00:01")
    assert await ids(api, view="active") == [fresh, active]
    assert await ids(api, view="archived") == [archived, kept]
    assert await ids(api, state="active") == [fresh, active]
    assert await ids(api, state="archived") == [archived, kept]
    assert await ids(api, state="all") == [fresh, active, archived, kept]
    both = await api.get(LOGS, state="all", limit=3)
    assert (await api.get(LOGS, state="all", cursor=both["next_cursor"]))["data"][0]["id"] == kept
    assert_refused(await api.http.get(f"{LOGS}/{gone}"), 404)
    assert (await api.get(f"{LOGS}/{active}"))["state"] == "active"
    log = await api.get(f"{LOGS}/{kept}")
    assert log["state"] == "archived"
    assert log["fired_at"] < log["archives_at"] < log["expires_at"]


async def test_an_event_stays_readable_after_its_trigger_is_deleted(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    [event] = await fired(api, trigger, 1)
    await api.http.delete(f"/api/v1/triggers/{trigger['id']}")
    await functions.work(settings.deliveries_queue_url)
    log = await api.get(f"{LOGS}/{event}")
    assert (log["status"], log["payload"]) == ("success", {"id": 0})


async def test_an_event_is_not_shown_before_its_time(api: Api) -> None:
    await api.create(a_scheduled_trigger(HOOK, schedule={"in": "2s"}))
    api.sql("UPDATE event_logs_active SET fired_at = fired_at + CAST('1 hour' AS interval)")
    [(event,)] = api.sql("SELECT id FROM event_logs_active")
    assert await ids(api) == []
    assert_refused(await api.http.get(f"{LOGS}/{event}"), 404)


async def test_every_attempt_is_in_the_detail_with_its_answer(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    receiver.answer(503, 200)
    body = an_api_trigger(receiver.url(), retry={"delays_seconds": [0]})
    [event] = await fired(api, await api.create(body), 1)
    await functions.work(settings.deliveries_queue_url)
    attempts = (await api.get(f"{LOGS}/{event}"))["attempts"]
    shown = [(a["number"], a["status_code"], a["error"], a["response_excerpt"]) for a in attempts]
    said = "http_503: The endpoint answered 503 Service Unavailable."
    assert shown == [(1, 503, said, "answered 503"), (2, 200, None, "answered 200")]
    [listed] = (await api.get(LOGS))["data"]
    assert "attempts" not in listed
    assert listed["attempt_count"] == 2


async def test_another_projects_events_cannot_be_seen(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    [event] = await fired(api, trigger, 1)
    stranger = an_api_key(api, "tf_stranger_0123456789", "events:read")
    for id in (event, str(uuid4()), str(UUID(int=0))):
        assert_refused(await api.http.get(f"{LOGS}/{id}", headers=stranger), 404)
    for query in ({}, {"trigger_id": trigger["id"]}):
        listed = await api.http.get(LOGS, params=query, headers=stranger)
        assert listed.json() == {"data": [], "next_cursor": None}
