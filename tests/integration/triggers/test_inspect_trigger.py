"""Revisions, next fires, previews and explanations of triggers."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, fire, logs
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.domain.explanation import explain
from triggerfish.domain.trigger import Trigger
from triggerfish.usecases.change_trigger import pause_trigger, update_trigger
from triggerfish.usecases.inspect_trigger import gather_evidence, list_next_fires
from triggerfish.wiring import Wiring

HOOK = "https://example.com/hook"
TRIGGERS = "/api/v1/triggers"
PREVIEW = "/api/v1/schedules/preview"


async def coming(parts: Wiring, caller: Principal, trigger: Trigger, count: int) -> list[datetime]:
    fires = (await list_next_fires(trigger.id, caller, parts.inspect_trigger, count=count)).fires
    return [fire.at for fire in fires]


async def sentence(parts: Wiring, caller: Principal, trigger: Trigger) -> str:
    return explain(await gather_evidence(trigger.id, caller, parts.inspect_trigger))


async def test_what_next_fires_says_is_what_fires(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    schedule = {"every": "5s", "jitter_seconds": 5, "max_fires": 6}
    trigger = await create(parts, caller, a_scheduled_trigger(HOOK, schedule=schedule))
    said = await coming(parts, caller, trigger, 100)
    assert len(said) == 6
    for _ in range(40):
        clock.advance(seconds=1)
        await functions.tick()
        later = [at for at in said if at > clock.now()]
        assert await coming(parts, caller, trigger, 100) == later
    fired = [seen.log.scheduled_for for seen in await logs(parts, caller)]
    assert sorted(fired) == said


async def test_a_trigger_that_is_not_active_has_no_next_fires(
    parts: Wiring, caller: Principal
) -> None:
    trigger = await create(parts, caller, a_scheduled_trigger(HOOK, schedule={"every": "1s"}))
    assert len(await coming(parts, caller, trigger, 3)) == 3
    await pause_trigger(trigger.id, caller, parts.change_trigger)
    assert await coming(parts, caller, trigger, 3) == []
    called = await create(parts, caller, an_api_trigger(HOOK))
    assert await coming(parts, caller, called, 3) == []


async def test_next_fires_after_a_long_downtime_are_in_the_future(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    trigger = await create(parts, caller, a_scheduled_trigger(HOOK, schedule={"every": "1s"}))
    now = clock.advance(days=365)
    seconds = [now + timedelta(seconds=n) for n in range(1, 4)]
    assert await coming(parts, caller, trigger, 3) == seconds


async def test_revisions_are_listed_newest_first_with_what_they_said(api: Api) -> None:
    trigger = await api.create(a_scheduled_trigger(HOOK, schedule={"every": "1h"}, name="first"))
    url = f"{TRIGGERS}/{trigger['id']}"
    for edit in ({"name": "second"}, {"payload": [1]}):
        assert (await api.http.patch(url, json=edit)).status_code == 200
    history = await api.get(f"{url}/revisions")
    assert history["next_cursor"] is None
    shown = [(one["revision"], one["name"], one["payload"]) for one in history["data"]]
    old = {"hello": "world"}
    assert shown == [(3, "second", [1]), (2, "second", old), (1, "first", old)]
    first = history["data"][-1]
    for field in ("type", "endpoint", "retry", "schedule", "catch_up", "created_at"):
        assert first[field] == trigger[field], field
    assert "signing_secret" not in str(history)
    page = await api.get(f"{url}/revisions", limit=2)
    rest = await api.get(f"{url}/revisions", limit=2, cursor=page["next_cursor"])
    assert page["data"] + rest["data"] == history["data"]


async def test_an_api_triggers_revisions_show_its_schemas(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK, schema={"maximum": 10**300}))
    [only] = (await api.get(f"{TRIGGERS}/{trigger['id']}/revisions"))["data"]
    assert only["schema"] == {"maximum": 10**300}


async def test_next_fires_are_shown_in_both_clocks(api: Api) -> None:
    schedule = {"cron": "0 9 * * *", "timezone": "Asia/Tokyo"}
    trigger = await api.create(a_scheduled_trigger(HOOK, schedule=schedule))
    url = f"{TRIGGERS}/{trigger['id']}/next-fires"
    fires = (await api.get(url))["data"]
    assert len(fires) == 10
    assert fires[0]["at"] == trigger["next_fire_at"]
    for each in fires:
        assert each["at"].endswith("T00:00:00Z")
        assert each["local"] == each["at"].replace("00:00:00Z", "09:00:00+09:00")
        assert (each["timezone"], each["dst"]) == ("Asia/Tokyo", None)
    assert (await api.get(url, count=3))["data"] == fires[:3]
    for count in ("0", "101", "x", ""):
        assert_refused(await api.http.get(url, params={"count": count}), 400, "count")
    assert_refused(await api.http.get(f"{url}?count=1&count=2"), 400, "count")
    assert_refused(await api.http.get(f"{url}?n=2"), 400, "n")


async def test_a_preview_flags_clock_changes_and_stores_nothing(api: Api) -> None:
    schedule = {
        "cron": "30 2 * * *",
        "timezone": "Europe/Berlin",
        "start_at": "2027-03-27T12:00:00Z",
    }
    answer = await api.http.post(PREVIEW, json={"schedule": schedule, "count": 2})
    assert answer.status_code == 200
    assert answer.json()["data"] == [
        {
            "at": "2027-03-28T01:00:00Z",
            "local": "2027-03-28T03:00:00+02:00",
            "timezone": "Europe/Berlin",
            "dst": "gap",
        },
        {
            "at": "2027-03-29T00:30:00Z",
            "local": "2027-03-29T02:30:00+02:00",
            "timezone": "Europe/Berlin",
            "dst": None,
        },
    ]
    assert api.stored() == dict.fromkeys(api.stored(), 0)


async def test_a_wrong_preview_names_its_field(api: Api) -> None:
    wrong: list[tuple[Any, str]] = [
        ([], "body"),
        ({}, "schedule"),
        ({"schedule": {"cron": "x"}}, "schedule.cron"),
        ({"schedule": {"every": "1s"}, "count": 101}, "count"),
        ({"schedule": {"every": "1s"}, "extra": 1}, "extra"),
    ]
    for body, field in wrong:
        assert_refused(await api.http.post(PREVIEW, json=body), 400, field)


async def test_only_the_owner_with_the_scope_may_look(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    stranger = an_api_key(api, "tf_stranger_0123456789", "triggers:read", "triggers:write")
    writer = an_api_key(api, "tf_writer_00123456789", "triggers:write")
    for noun in ("revisions", "next-fires", "explain"):
        for id in (trigger["id"], str(uuid4()), "x"):
            url = f"{TRIGGERS}/{id}/{noun}"
            assert_refused(await api.http.get(url, headers=stranger), 404)
            assert_refused(await api.http.get(url, headers=writer), 403)
            assert_refused(await api.http.get(url, headers={"authorization": ""}), 401)
            assert_refused(await api.http.post(url), 405)
    body = {"schedule": {"every": "1h"}}
    assert_refused(await api.http.post(PREVIEW, json=body, headers=writer), 403)
    assert (await api.http.post(PREVIEW, json=body, headers=stranger)).status_code == 200


async def test_an_explanation_says_what_happened_and_what_is_next(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    body = a_scheduled_trigger(
        receiver.url(), schedule={"every": "1h"}, retry={"delays_seconds": [60]}
    )
    trigger = await create(parts, caller, body)
    await functions.tick()
    active = "The trigger is active and fires next at 2026-03-02T13:00:00Z; "
    assert await sentence(parts, caller, trigger) == active + "it has not fired lately."

    clock.advance(hours=1)
    await functions.tick()
    assert "it last fired at 2026-03-02T13:00:00Z and is being delivered." in await sentence(
        parts, caller, trigger
    )
    receiver.answer(500)
    await functions.work(parts.settings.deliveries_queue_url)
    said = await sentence(parts, caller, trigger)
    assert "is tried again at 2026-03-02T13:0" in said
    failing = "; nothing but failures came since 2026-03-02T13:00:00Z."
    assert said.endswith("since the endpoint answered 500" + failing)

    clock.advance(seconds=90)
    await functions.tick()
    await functions.work(parts.settings.deliveries_queue_url)
    said = await sentence(parts, caller, trigger)
    assert said.endswith(
        "the delivery failed for good after attempt 2: the endpoint answered 500" + failing
    )
    evidence = await gather_evidence(trigger.id, caller, parts.inspect_trigger)
    assert [log.status for log in evidence.failures] == ["failure"]

    receiver.answer(200)
    clock.advance(hours=1)
    await functions.tick()
    await functions.work(parts.settings.deliveries_queue_url)
    assert (await sentence(parts, caller, trigger)).endswith("and the endpoint answered 200.")


async def test_an_explanation_says_why_nothing_fires(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    body = a_scheduled_trigger(HOOK, schedule={"every": "1h"}, catch_up="none")
    trigger = await create(parts, caller, body)
    clock.advance(hours=1)
    due = "The trigger is due since 2026-03-02T13:00:00Z "
    said = await sentence(parts, caller, trigger)
    assert said.startswith(due + "but the tick that fires it has not run yet;")
    await parts.observations.beat("tick", now=clock.now(), duration_ms=1, counts={})
    assert (await sentence(parts, caller, trigger)).startswith(due + "and the next tick fires it;")
    clock.advance(hours=2, minutes=30)
    said = await sentence(parts, caller, trigger)
    assert said.startswith(due + "but the tick that fires it has not run since 2026-03-02T13:00")

    await functions.tick()
    said = await sentence(parts, caller, trigger)
    assert said.endswith('; 3 missed times were skipped by its catch-up policy "none".')
    await pause_trigger(trigger.id, caller, parts.change_trigger)
    assert (await sentence(parts, caller, trigger)).startswith("The trigger is paused: ")


async def test_an_explanation_of_an_api_trigger_speaks_of_calls(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    active = "The trigger is active and fires when its webhook URL is called; "
    assert await sentence(parts, caller, trigger) == active + "nobody has called it lately."
    await update_trigger(trigger.id, {"schema": None}, caller, parts.change_trigger)
    receiver.answer(410)
    await fire(parts, trigger, b"{}")
    await functions.work(parts.settings.deliveries_queue_url)
    said = await sentence(parts, caller, trigger)
    assert said.startswith("The trigger is disabled because its endpoint answered 410")


async def test_an_explanation_is_shown_with_its_evidence(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    url = f"{TRIGGERS}/{trigger['id']}/explain"
    before = await api.get(url)
    assert (before["status"], before["last_event"], before["last_failures"]) == ("active", None, [])
    event_id = await api.fire(trigger, b'{"id": 1}')
    api.sql(
        "UPDATE event_logs_active SET status = 'failure', next_attempt_at = NULL, attempt = 1,"
        " completed_at = now(), last_error = 'connection_refused: port 1'"
    )
    after = await api.get(url)
    [failure] = after["last_failures"]
    assert failure == after["last_event"] | {"reason": "the endpoint refused the connection"}
    assert failure["id"] == event_id
    assert after["trigger_id"] == trigger["id"]
    assert after["explanation"].endswith("attempt 1: the endpoint refused the connection.")
    assert after["last_tick_at"] is None
    assert "next_fire_at" not in after
    scheduled = await api.create(a_scheduled_trigger(HOOK, schedule={"every": "1h"}))
    shown = await api.get(f"{TRIGGERS}/{scheduled['id']}/explain")
    for field in ("status", "next_fire_at", "fired_count", "skipped_count"):
        assert shown[field] == scheduled[field]
