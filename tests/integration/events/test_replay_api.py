"""Replays over HTTP: what is over is sent again, one by one or by a filter."""

import json
from typing import Any
from uuid import uuid4

from standardwebhooks import Webhook

from tests import functions
from tests.factories import an_api_trigger
from tests.integration.events.logs import age, fired
from tests.integration.keys import an_api_key, own_project
from tests.integration.lanes import Api, assert_refused, post_json
from tests.receiver import Receiver
from triggerfish.domain.access import SCOPES
from triggerfish.settings import Settings

LOGS = "/api/v1/event-logs"
ALL = f"{LOGS}/replay"
NO_RETRY: dict[str, list[float]] = {"delays_seconds": []}


async def failed(api: Api, trigger: dict[str, Any], settings: Settings, times: int) -> list[str]:
    """Events of a trigger without retries whose receiver answers 500."""
    events = await fired(api, trigger, times)
    await functions.work(settings.deliveries_queue_url)
    for event in events:
        assert (await api.get(f"{LOGS}/{event}"))["status"] == "failure"
    return events


async def replayed(api: Api, **body: Any) -> dict[str, Any]:
    answer = await api.http.post(ALL, json=body)
    assert answer.status_code == (200 if body.get("dry_run") else 202), answer.text
    view: dict[str, Any] = answer.json()
    return view


async def edited(api: Api, trigger: dict[str, Any], **change: Any) -> None:
    answer = await api.http.patch(f"/api/v1/triggers/{trigger['id']}", json=change)
    assert answer.status_code == 200, answer.text


def originals(view: dict[str, Any]) -> set[str]:
    return {one["replay_of"] for one in view["replays"]}


async def test_a_replay_is_a_new_event_with_the_same_bytes_linked_to_the_old_one(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    body = b'{ "id": 1,\n "note": "sp\xc3\xa4t" }'
    event = await api.fire(trigger, body)
    await functions.work(settings.deliveries_queue_url)
    answer = await api.http.post(f"{LOGS}/{event}/replay")
    assert answer.status_code == 202, answer.text
    new = answer.json()["event_id"]
    assert answer.json() == {"event_id": new, "replay_of": event, "status": "pending"}
    assert new != event

    await functions.work(settings.deliveries_queue_url)
    first, second = receiver.deliveries
    assert first.body == second.body == body
    assert [one.headers["webhook-id"] for one in (first, second)] == [event, new]
    Webhook(trigger["signing_secret"]).verify(second.body, second.headers)
    log = await api.get(f"{LOGS}/{new}")
    assert (log["source"], log["replay_of"], log["status"]) == ("replay", event, "success")
    assert (log["trigger_id"], log["is_test"]) == (trigger["id"], False)
    assert (await api.get(f"{LOGS}/{event}"))["attempt_count"] == 1
    assert [one["id"] for one in (await api.get(LOGS, source="replay"))["data"]] == [new]


async def test_failed_events_are_replayed_by_filter_and_open_ones_are_left(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    receiver.answer(500)
    orders = await api.create(an_api_trigger(receiver.url(), retry=NO_RETRY))
    other = await api.create(an_api_trigger(receiver.url(), retry=NO_RETRY))
    bad = await failed(api, orders, settings, 3) + await failed(api, other, settings, 1)
    receiver.answer(200)
    good = await api.fire(orders, b'{"id": 10}')
    await functions.work(settings.deliveries_queue_url)
    await api.fire(orders, b'{"id": 11}')  # still open
    before = api.stored()

    dry = await replayed(api, status="failure", trigger_id=orders["id"], dry_run=True)
    assert dry == {"dry_run": True, "count": 3, "next_cursor": None}
    assert (await replayed(api, dry_run=True))["count"] == 5
    assert (await replayed(api, status="success", dry_run=True))["count"] == 1
    assert (await replayed(api, trigger_id=str(uuid4()), dry_run=True))["count"] == 0
    assert api.stored() == before

    view = await replayed(api, status="failure", trigger_id=orders["id"])
    assert (view["count"], originals(view)) == (3, set(bad[:3]))
    assert originals(await replayed(api, status="success")) == {good}
    receiver.deliveries.clear()
    await functions.work(settings.deliveries_queue_url)
    sent = [one.headers["webhook-id"] for one in receiver.deliveries]
    assert {one["event_id"] for one in view["replays"]} < set(sent)
    assert len(sent) == 3 + 1 + 1


async def test_a_replay_by_filter_is_bounded_in_time_and_number_and_goes_on_by_cursor(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url(), retry=NO_RETRY))
    first, second, third = await fired(api, trigger, 3)
    await functions.work(settings.deliveries_queue_url)
    times = {log["id"]: log["fired_at"] for log in (await api.get(LOGS))["data"]}
    to = times[third]
    newest = await replayed(api, limit=2, to=to)
    assert (originals(newest), newest["count"]) == ({second, third}, 2)
    rest = await replayed(api, limit=2, to=to, cursor=newest["next_cursor"])
    assert (originals(rest), rest["next_cursor"]) == ({first}, None)
    assert originals(await replayed(api, **{"from": times[second], "to": times[second]})) == {
        second
    }


async def test_archived_events_are_replayed_from_their_view(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    old, new = await fired(api, trigger, 2)
    await functions.work(settings.deliveries_queue_url)
    age(api, old, "3 hours")
    await functions.retention()
    assert api.stored()["event_logs_archive"] == 1
    assert originals(await replayed(api)) == {new}
    assert originals(await replayed(api, view="archived")) == {old}
    answer = await api.http.post(f"{LOGS}/{old}/replay")
    log = await api.get(f"{LOGS}/{answer.json()['event_id']}")
    assert (log["replay_of"], log["state"]) == (old, "active")


WRONG: list[tuple[Any, str]] = [
    ([], "body"),
    (None, "body"),
    ({"status": "pending"}, "status"),
    ({"status": 1}, "status"),
    ({"view": "deleted"}, "view"),
    ({"trigger_id": "1"}, "trigger_id"),
    ({"trigger_id": 1}, "trigger_id"),
    ({"source": "cron"}, "source"),
    ({"is_test": "yes"}, "is_test"),
    ({"from": "yesterday"}, "from"),
    ({"from": 5}, "from"),
    ({"from": "2026-01-01T00:00:00"}, "from"),
    ({"to": []}, "to"),
    ({"since": "2026-01-01T00:00:00Z"}, "since"),
    ({"limit": 0}, "limit"),
    ({"limit": 1001}, "limit"),
    ({"limit": "5"}, "limit"),
    ({"limit": True}, "limit"),
    ({"limit": 10**300}, "limit"),
    ({"limit": None}, "limit"),
    ({"dry_run": 1}, "dry_run"),
    ({"cursor": "garbage"}, "cursor"),
    ({"cursor": 5}, "cursor"),
    ({"colour": "red"}, "colour"),
]


async def test_a_wrong_filter_is_refused_naming_the_field_and_replays_nothing(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    await fired(api, trigger, 1)
    await functions.work(settings.deliveries_queue_url)
    for body, field in WRONG:
        assert_refused(await post_json(api.http, ALL, json.dumps(body)), 400, field)
    assert_refused(await post_json(api.http, ALL, b""), 400)
    assert_refused(await post_json(api.http, ALL, b'{"limit": NaN}'), 400)
    assert_refused(await api.http.post(ALL, content=b"{}"), 415)
    for query in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert (await replayed(api, to=query, dry_run=True))["count"] in (0, 1)
        assert (await replayed(api, **{"from": query}, dry_run=True))["count"] in (0, 1)
    assert api.stored()["event_logs_active"] == 1


async def test_a_replay_needs_its_scope_and_an_event_of_the_project(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    [event] = await fired(api, trigger, 1)
    await functions.work(settings.deliveries_queue_url)
    scopes = set(SCOPES) - {"events:replay"}
    reader = an_api_key(api, "tf_without_replays", *scopes, project_id=own_project(api))
    foreign = an_api_key(api, "tf_of_another_project", *SCOPES)
    one = f"{LOGS}/{event}/replay"
    for path in (one, ALL):
        assert_refused(await api.http.post(path, json={}, headers=reader), 403)
        wrong = {"authorization": "Bearer wrong"}
        assert_refused(await api.http.post(path, json={}, headers=wrong), 401)
        got = await api.http.get(path)
        assert_refused(got, 405)
        assert got.headers["allow"] == "OPTIONS, POST"
    assert_refused(await api.http.post(one, headers=foreign), 404)
    everything = await api.http.post(ALL, json={}, headers=foreign)
    assert (everything.status_code, everything.json()["count"]) == (202, 0)
    for unknown in (uuid4(), "x"):
        assert_refused(await api.http.post(f"{LOGS}/{unknown}/replay"), 404)
    assert api.stored()["event_logs_active"] == 1


async def test_a_replay_goes_to_the_endpoint_of_then_or_to_the_current_one(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url("/then")))
    event = await api.fire(trigger, b'{"id": 1}')
    await functions.work(settings.deliveries_queue_url)
    new = {"url": receiver.url("/now"), "max_concurrency": 2}
    await edited(api, trigger, endpoint=new)
    for body in ({}, {"endpoint": "original"}, {"endpoint": "current"}):
        answer = await api.http.post(f"{LOGS}/{event}/replay", json=body)
        assert answer.status_code == 202, answer.text
        await functions.work(settings.deliveries_queue_url)
    assert [one.path for one in receiver.deliveries] == ["/then", "/then", "/then", "/now"]
    last = receiver.deliveries[-1]
    assert last.body == b'{"id": 1}'
    Webhook(trigger["signing_secret"]).verify(last.body, last.headers)
    [attempt] = (await api.get(f"{LOGS}/{answer.json()['event_id']}"))["attempts"]
    assert attempt["url"] == receiver.url("/now")
    answer = await api.http.post(f"{LOGS}/{event}/replay", json={"endpoint": 1})
    assert_refused(answer, 400, "endpoint")


async def test_without_a_trigger_there_is_no_current_endpoint(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    gone = await api.create(an_api_trigger(receiver.url("/gone")))
    kept = await api.create(an_api_trigger(receiver.url("/then")))
    events = [await api.fire(trigger, b'{"id": 1}') for trigger in (gone, kept)]
    await functions.work(settings.deliveries_queue_url)
    await edited(api, kept, endpoint={"url": receiver.url("/now")})
    assert (await api.http.delete(f"/api/v1/triggers/{gone['id']}")).status_code == 204
    answer = await api.http.post(f"{LOGS}/{events[0]}/replay", json={"endpoint": "current"})
    assert answer.status_code == 409
    assert (await replayed(api, endpoint="current", dry_run=True))["count"] == 1
    assert (await replayed(api, dry_run=True))["count"] == 2
    assert originals(await replayed(api, endpoint="current")) == {events[1]}
    await functions.work(settings.deliveries_queue_url)
    assert receiver.deliveries[-1].path == "/now"
