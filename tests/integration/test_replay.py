"""Replays: what is over is sent again as a new event, one by one or by a filter."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from standardwebhooks import Webhook

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, detail, fire, logs
from tests.integration.lanes import Api, assert_refused, dsn, post_json
from tests.integration.test_event_log_api import age, fired
from tests.integration.test_retention_lifecycle import count
from tests.integration.test_trigger_api import an_api_key, own_project
from tests.receiver import Receiver
from triggerfish.adapters.db.tables.events import event_logs_active
from triggerfish.domain.access import SCOPES, Principal
from triggerfish.domain.errors import Conflict, NotFound
from triggerfish.domain.event_log import EventLogFilter
from triggerfish.domain.replay import MAX_REPLAYS
from triggerfish.domain.retention import View
from triggerfish.settings import Settings
from triggerfish.usecases.manage_triggers import delete_trigger
from triggerfish.usecases.query_event_logs import Window
from triggerfish.usecases.replay_events import Replayed, replay_event, replay_events
from triggerfish.usecases.run_test import run_unsaved_test
from triggerfish.wiring import Wiring

HOOK = "https://example.com/hook"
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
        assert got.headers["allow"] == "POST"
    assert_refused(await api.http.post(one, headers=foreign), 404)
    everything = await api.http.post(ALL, json={}, headers=foreign)
    assert (everything.status_code, everything.json()["count"]) == (202, 0)
    for unknown in (uuid4(), "x"):
        assert_refused(await api.http.post(f"{LOGS}/{unknown}/replay"), 404)
    assert api.stored()["event_logs_active"] == 1


async def everything(parts: Wiring, caller: Principal, view: View = View.ACTIVE) -> Replayed:
    return await replay_events(
        caller,
        EventLogFilter(),
        Window(view),
        parts.replay_events,
        limit=1000,
        cursor=None,
        dry_run=False,
    )


async def test_a_replay_of_a_deleted_triggers_event_goes_to_its_endpoint_of_then(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver, database_url: str
) -> None:
    receiver.answer(500)
    body = an_api_trigger(receiver.url(), retry={"delays_seconds": [3600.0]})
    trigger = await create(parts, caller, body)
    event = await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    await delete_trigger(trigger.id, caller, parts.manage_triggers)
    clock.advance(hours=47)
    replay = await replay_event(event, caller, parts.replay_events)

    # The original and what the deletion left for it are over; the replay and its retry are not.
    clock.advance(minutes=65)
    await functions.retention()
    with pytest.raises(NotFound):
        await replay_event(event, caller, parts.replay_events)
    assert count(database_url, "trigger_revisions") == 1
    await functions.work(parts.settings.deliveries_queue_url)
    receiver.answer(200)
    clock.advance(minutes=70)
    await functions.tick()
    await functions.work(parts.settings.deliveries_queue_url)
    log = (await detail(parts, caller, replay.ref.event_id)).log
    assert (log.status, log.attempt_count, log.replay_of) == ("success", 2, event)
    assert log.trigger_id == trigger.id

    clock.advance(hours=46)
    await functions.retention()
    assert count(database_url, "trigger_revisions") == 0
    assert await logs(parts, caller, view=View.ARCHIVED) == []


@pytest.mark.parametrize(("edited", "status"), [(False, "disabled"), (True, "active")])
async def test_an_endpoint_that_is_gone_disables_no_trigger_that_has_another_revision_by_now(
    parts: Wiring,
    caller: Principal,
    receiver: Receiver,
    database_url: str,
    edited: bool,
    status: str,
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    event = await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    receiver.answer(410)
    await replay_event(event, caller, parts.replay_events)
    if edited:
        with psycopg.connect(dsn(database_url)) as connection:
            connection.execute("UPDATE triggers SET revision_id = %s", (uuid4(),))
    await functions.work(parts.settings.deliveries_queue_url)
    with psycopg.connect(dsn(database_url)) as connection:
        assert connection.execute("SELECT status FROM triggers").fetchone() == (status,)


async def test_an_unsaved_definition_can_be_replayed_and_stays_a_test(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    body = a_scheduled_trigger(receiver.url(), schedule={"every": "1h"})
    started = await run_unsaved_test(body, caller, parts.run_test)
    await functions.work(parts.settings.deliveries_queue_url)
    replay = await replay_event(started.event.id, caller, parts.replay_events)
    await functions.work(parts.settings.deliveries_queue_url)
    log = (await detail(parts, caller, replay.ref.event_id)).log
    assert (log.status, log.source, log.is_test) == ("success", "replay", True)
    assert (log.trigger_id, log.note) == (None, started.event.note)


async def test_a_test_that_is_still_to_fire_is_not_replayed(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    started = await run_unsaved_test(a_scheduled_trigger(HOOK), caller, parts.run_test)
    with pytest.raises(Conflict):
        await replay_event(started.event.id, caller, parts.replay_events)
    assert (await everything(parts, caller)).count == 0


async def test_an_event_can_be_replayed_up_to_its_end_wherever_it_lies(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    event = await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    clock.advance(hours=48, seconds=-1)  # retention has never run
    assert (await replay_event(event, caller, parts.replay_events)).replay_of == event
    assert (await everything(parts, caller, View.ARCHIVED)).count == 1
    clock.advance(seconds=1)
    with pytest.raises(NotFound):
        await replay_event(event, caller, parts.replay_events)
    assert (await everything(parts, caller, View.ARCHIVED)).count == 0


@pytest.mark.breaks_invariants
async def test_a_thousand_events_are_written_anew_at_once(
    parts: Wiring, caller: Principal, receiver: Receiver, database_url: str
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    with psycopg.connect(dsn(database_url)) as connection:
        columns = ", ".join(c.name for c in event_logs_active.columns if c.name != "id")
        connection.execute(
            f"INSERT INTO event_logs_active (id, {columns}) SELECT gen_random_uuid(), {columns}"
            " FROM event_logs_active, generate_series(1, 1199)".encode()
        )
    # The store alone: moto needs half a minute for a thousand messages.
    store, now = parts.replay_events.replays, parts.clock.now()
    window = {"fired_after": now - timedelta(hours=2), "fired_until": now}
    found = await store.find(
        caller.project_id, EventLogFilter(), **window, before=None, limit=MAX_REPLAYS
    )
    written = await store.insert(caller.project_id, found, new_id=parts.ids.uuid7, now=now)
    assert {one.replay_of for one in written} == {one.id for one in found}
    assert len({one.ref.event_id for one in written}) == len(found) == 1000
    assert count(database_url, "event_logs_active") == 2200
