"""A trigger whose endpoint is broken is disabled; what fires is held until somebody releases it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, detail, fire, logs
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.domain.delivery import Held
from triggerfish.domain.errors import Conflict
from triggerfish.domain.retention import View
from triggerfish.domain.trigger import DisabledReason, Trigger
from triggerfish.settings import Settings
from triggerfish.usecases.change_trigger import resume_trigger, update_trigger
from triggerfish.usecases.manage_triggers import get_trigger
from triggerfish.usecases.query_operational_events import list_operational_events
from triggerfish.usecases.release_held import release_held
from triggerfish.usecases.replay_events import replay_event
from triggerfish.usecases.run_test import run_test
from triggerfish.wiring import Wiring

TRIGGERS = "/api/v1/triggers"
LOGS = "/api/v1/event-logs"
OPERATIONAL = "/api/v1/operational-events"


class Customer:
    """Who owns one trigger, and the platform's work beside it."""

    def __init__(self, parts: Wiring, caller: Principal) -> None:
        self.parts, self.caller = parts, caller

    async def create(self, body: dict[str, Any]) -> Trigger:
        return await create(self.parts, self.caller, body)

    async def fire(self, trigger: Trigger) -> Any:
        """Fire an API trigger and let the workers do what there is to do."""
        event_id = await fire(self.parts, trigger, b'{"id": 1}')
        await self.work()
        return event_id

    async def work(self) -> None:
        await functions.work(self.parts.settings.deliveries_queue_url)

    async def see(self, trigger: Trigger) -> Trigger:
        return await get_trigger(trigger.id, self.caller, self.parts.manage_triggers)

    async def resume(self, trigger: Trigger) -> Trigger:
        return await resume_trigger(trigger.id, self.caller, self.parts.change_trigger)

    async def release(self, trigger: Trigger) -> int:
        return await release_held(trigger.id, self.caller, self.parts.release_held)

    async def statuses(self, **window: Any) -> list[str]:
        """Of the events, oldest first."""
        return [seen.log.status for seen in reversed(await logs(self.parts, self.caller, **window))]


@pytest.fixture
def customer(parts: Wiring, caller: Principal) -> Customer:
    return Customer(parts, caller)


async def gone(customer: Customer, receiver: Receiver, **changes: Any) -> Trigger:
    """An API trigger that is disabled, and whose endpoint works again."""
    trigger = await customer.create(an_api_trigger(receiver.url(), **changes))
    receiver.answer(410)
    await customer.fire(trigger)
    receiver.answer(200)
    receiver.deliveries.clear()
    return trigger


async def test_a_day_of_nothing_but_failures_disables_the_trigger(
    customer: Customer, clock: VirtualClock, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Any, str]] = []
    monkeypatch.setattr(
        customer.parts.journal,
        "disabled",
        lambda event, *, reason: told.append((event.trigger_id, reason)),
    )
    receiver.answer(500)
    trigger = await customer.create(an_api_trigger(receiver.url(), retry={"delays_seconds": []}))
    await customer.fire(trigger)
    first_failure = clock.now()
    clock.advance(hours=23, minutes=59)
    await customer.fire(trigger)
    seen = await customer.see(trigger)
    assert (seen.status, seen.failing_since, seen.disabled) == ("active", first_failure, None)
    assert told == []
    clock.advance(minutes=1)
    await customer.fire(trigger)
    seen = await customer.see(trigger)
    assert (seen.status, seen.failing_since) == ("disabled", first_failure)
    assert seen.disabled is not None
    assert (seen.disabled.at, seen.disabled.reason) == (clock.now(), DisabledReason.FAILING)
    assert told == [(trigger.id, "failing")]
    deps = customer.parts.operational_events
    listing = list_operational_events(customer.caller, deps, trigger_id=None, limit=9, cursor=None)
    [record] = (await listing).items
    assert (record.trigger_id, record.at, record.reason) == (trigger.id, clock.now(), "failing")
    assert record.failing_since == first_failure


async def test_one_success_begins_the_count_anew(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(500, 200, 500)
    trigger = await customer.create(an_api_trigger(receiver.url(), retry={"delays_seconds": []}))
    await customer.fire(trigger)
    clock.advance(hours=20)
    await customer.fire(trigger)
    assert (await customer.see(trigger)).failing_since is None
    clock.advance(hours=20)
    await customer.fire(trigger)
    again = clock.now()
    clock.advance(hours=20)
    await customer.fire(trigger)
    seen = await customer.see(trigger)
    assert (seen.status, seen.failing_since) == ("active", again)


async def test_an_edit_begins_the_count_anew_for_the_new_revision_alone(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(500)
    retry = {"delays_seconds": [10]}
    trigger = await customer.create(an_api_trigger(receiver.url(), retry=retry))
    await customer.fire(trigger)
    assert (await customer.see(trigger)).failing_since is not None
    body = {"endpoint": {"url": receiver.url("/new")}}
    await update_trigger(trigger.id, body, customer.caller, customer.parts.change_trigger)
    clock.advance(seconds=20)
    await functions.tick()
    await customer.work()  # the old event's last attempt, at the old endpoint
    assert await customer.statuses() == ["failure"]
    assert (await customer.see(trigger)).failing_since is None


async def test_an_event_that_may_still_succeed_disables_nothing(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(500)
    retry = {"delays_seconds": [90_000, 600]}
    trigger = await customer.create(an_api_trigger(receiver.url(), retry=retry))
    event_id = await customer.fire(trigger)
    clock.advance(hours=28)
    await functions.tick()
    await customer.work()
    assert (await detail(customer.parts, customer.caller, event_id)).log.attempt_count == 2
    assert (await customer.see(trigger)).status == "active"
    clock.advance(minutes=12)
    await functions.tick()
    await customer.work()
    assert (await customer.see(trigger)).status == "disabled"


async def test_a_disabled_trigger_holds_what_fires_and_goes_on_with_what_it_retries(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(503, 410, 200)
    trigger = await customer.create(an_api_trigger(receiver.url(), retry={"delays_seconds": [60]}))
    await customer.fire(trigger)
    clock.advance(seconds=1)
    await customer.fire(trigger)
    seen = await customer.see(trigger)
    assert seen.disabled is not None
    assert seen.disabled.reason is DisabledReason.GONE
    clock.advance(seconds=1)
    held = await customer.fire(trigger)
    assert await customer.statuses() == ["pending", "failure", "held"]
    log = (await detail(customer.parts, customer.caller, held)).log
    assert (log.attempt_count, log.attempts, log.next_attempt_at) == (0, [], None)
    clock.advance(seconds=70)
    await functions.tick()
    await customer.work()
    assert await customer.statuses() == ["success", "failure", "held"]
    assert len(receiver.deliveries) == 3


async def test_a_schedule_goes_on_firing_events_that_are_held(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(410)
    schedule = {"every": "10s", "max_fires": 3}
    trigger = await customer.create(a_scheduled_trigger(receiver.url(), schedule=schedule))
    for _ in range(4):
        clock.advance(seconds=10)
        await functions.tick()
        await customer.work()
    assert await customer.statuses() == ["failure", "held", "held"]
    seen = await customer.see(trigger)
    assert (seen.status, seen.next_fire_at, seen.fired_count) == ("disabled", None, 3)
    assert (await customer.resume(trigger)).status == "completed"
    receiver.answer(200)
    assert await customer.release(trigger) == 2
    await customer.work()
    assert await customer.statuses() == ["failure", "success", "success"]


async def test_held_events_are_released_from_both_tables_to_where_the_trigger_delivers_now(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await gone(customer, receiver)
    early = await customer.fire(trigger)
    clock.advance(hours=2, minutes=1)
    await functions.retention()
    await customer.fire(trigger)
    body = {"endpoint": {"url": receiver.url("/repaired")}}
    await update_trigger(trigger.id, body, customer.caller, customer.parts.change_trigger)
    with pytest.raises(Conflict, match="resume it"):
        await customer.release(trigger)
    assert (await customer.resume(trigger)).status == "active"
    await customer.work()
    assert receiver.deliveries == []  # nothing goes out before somebody says so
    assert await customer.release(trigger) == 2
    assert await customer.release(trigger) == 0
    await customer.work()
    assert [delivery.path for delivery in receiver.deliveries] == ["/repaired"] * 2
    assert await customer.statuses() == ["success"]
    assert sorted(await customer.statuses(view=View.ARCHIVED)) == ["failure", "success"]
    log = (await detail(customer.parts, customer.caller, early)).log
    assert [attempt["number"] for attempt in log.attempts] == [1]
    assert log.released_at == clock.now()


async def test_what_is_not_released_goes_when_its_time_is_over(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await gone(customer, receiver)
    await customer.fire(trigger)
    await customer.resume(trigger)
    clock.advance(hours=48)
    assert await customer.release(trigger) == 0
    assert (await functions.retention())["deleted"] == 2
    assert receiver.deliveries == []


async def test_tests_and_replays_of_a_disabled_trigger_are_delivered(
    customer: Customer, receiver: Receiver
) -> None:
    trigger = await gone(customer, receiver)
    held = await customer.fire(trigger)
    await run_test(trigger.id, {"payload": {"id": 2}}, customer.caller, customer.parts.run_test)
    await replay_event(held, customer.caller, customer.parts.replay_events)
    await customer.work()
    assert sorted(await customer.statuses()) == ["failure", "held", "success", "success"]
    assert (await customer.see(trigger)).status == "disabled"


async def test_an_event_is_not_held_once_its_trigger_has_been_resumed(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await gone(customer, receiver)
    event_id = await fire(customer.parts, trigger, b'{"id": 1}')
    deliveries = customer.parts.deliver.deliveries
    claimed = await deliveries.claim(event_id)
    assert claimed is not None
    assert claimed.is_to_hold
    await customer.resume(trigger)
    assert not (await deliveries.settle(Held(claimed), pull=None)).recorded
    functions.messages(customer.parts.settings.deliveries_queue_url)
    clock.advance(seconds=30)
    await functions.tick()  # its lease is over
    await customer.work()
    assert sorted(await customer.statuses()) == ["failure", "success"]


async def test_a_late_release_is_no_late_delivery(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await gone(customer, receiver)
    await customer.fire(trigger)
    clock.advance(hours=1)
    await customer.resume(trigger)
    await customer.release(trigger)
    await customer.work()
    totals = await customer.parts.observations.totals()
    assert sum(one.count for one in totals) == 2
    assert max(one.lateness_max_ms for one in totals) < timedelta(minutes=1).total_seconds() * 1000


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
