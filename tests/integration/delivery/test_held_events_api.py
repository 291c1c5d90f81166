"""Disabled triggers and held events over HTTP."""

from uuid import uuid4

from tests import functions
from tests.factories import an_api_trigger
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused
from tests.receiver import Receiver
from triggerfish.settings import Settings

TRIGGERS = "/api/v1/triggers"
LOGS = "/api/v1/event-logs"
OPERATIONAL = "/api/v1/operational-events"


async def test_a_disabled_trigger_is_shown_explained_and_resumed_over_http(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    trigger = await api.create(an_api_trigger(receiver.url()))
    path = f"{TRIGGERS}/{trigger['id']}"
    health = ("failing_since", "disabled_at", "disabled_reason")
    assert [trigger[name] for name in health] == [None] * 3
    receiver.answer(410)
    await api.fire(trigger, '{"id": 1}')
    await functions.work(settings.deliveries_queue_url)
    [listed] = (await api.get(TRIGGERS, status="disabled"))["data"]
    assert (listed["disabled_reason"], listed["disabled_at"]) == ("gone", listed["updated_at"])
    held = await api.fire(trigger, '{"id": 2}')
    await functions.work(settings.deliveries_queue_url)
    [log] = (await api.get(LOGS, status="held"))["data"]
    assert (log["id"], log["released_at"], log["attempt_count"]) == (held, None, 0)
    said = (await api.get(f"{path}/explain"))["explanation"]
    assert said.startswith(
        "The trigger is disabled because its endpoint answered 410: "
        "its events are held until it is resumed; it last fired at "
    )
    assert said.endswith(" and is held until it is released.")
    assert (await api.get(f"{LOGS}/summary"))["counts"]["held"] == 1
    assert (await api.get("/api/v1/metrics"))["counts"]["open_events"]["held"] == 1
    assert_refused(await api.http.post(f"{path}/release-held"), 409)
    resumed = (await api.http.post(f"{path}/resume")).json()
    assert (resumed["status"], *(resumed[name] for name in health)) == ("active", *[None] * 3)
    receiver.answer(200)
    released = await api.http.post(f"{path}/release-held")
    assert (released.status_code, released.json()) == (202, {"released": 1})
    await functions.work(settings.deliveries_queue_url)
    assert (await api.get(f"{LOGS}/{held}"))["status"] == "success"
    assert (await api.http.post(f"{path}/release-held")).json() == {"released": 0}


async def test_what_was_disabled_stays_on_record_after_a_resume_for_thirty_days(
    api: Api, settings: Settings, receiver: Receiver
) -> None:
    receiver.answer(410)
    triggers = [await api.create(an_api_trigger(receiver.url(), name=name)) for name in "abc"]
    for trigger in triggers:
        await api.fire(trigger, '{"id": 1}')
        await functions.work(settings.deliveries_queue_url)
        await api.http.post(f"{TRIGGERS}/{trigger['id']}/resume")
    await api.http.delete(f"{TRIGGERS}/{triggers[0]['id']}")
    first = await api.get(OPERATIONAL, limit=2)
    second = await api.get(OPERATIONAL, limit=2, cursor=first["next_cursor"])
    records = first["data"] + second["data"]
    assert [one["trigger_name"] for one in records] == ["c", "b", None]
    assert [one["trigger_id"] for one in records] == [one["id"] for one in reversed(triggers)]
    assert {(one["type"], one["reason"]) for one in records} == {("trigger.disabled", "gone")}
    assert (await api.get(OPERATIONAL, trigger_id=triggers[1]["id"]))["data"] == records[1:2]
    stranger = an_api_key(api, "tf_stranger_0123456789", "triggers:read")
    assert (await api.http.get(OPERATIONAL, headers=stranger)).json()["data"] == []
    assert_refused(await api.http.get(OPERATIONAL, params={"trigger_id": "x"}), 400)
    api.sql("UPDATE operational_events SET at = at - CAST('29 days' AS interval)")
    a_day_older = "at = at - CAST('1 day' AS interval)"
    api.sql(f"UPDATE operational_events SET {a_day_older} WHERE trigger_id = %s", triggers[1]["id"])
    await functions.retention()
    names = [one["trigger_name"] for one in (await api.get(OPERATIONAL))["data"]]
    assert names == ["c", None]


async def test_nobody_releases_anothers_events(api: Api) -> None:
    trigger = await api.create(an_api_trigger("https://example.com/hook"))
    path = f"{TRIGGERS}/{trigger['id']}/release-held"
    stranger = an_api_key(api, "tf_stranger_0123456789", "triggers:write")
    assert_refused(await api.http.post(path, headers=stranger), 404)
    assert_refused(await api.http.post(f"{TRIGGERS}/{uuid4()}/release-held"), 404)
    assert_refused(await api.http.get(path), 405)
