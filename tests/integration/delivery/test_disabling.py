"""A trigger is disabled by its endpoint: after a day of nothing but failures, and by nothing less."""

from typing import Any

import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.factories import an_api_trigger
from tests.integration.actions import detail
from tests.integration.delivery.customer import Customer
from tests.receiver import Receiver
from triggerfish.domain.trigger import DisabledReason
from triggerfish.usecases.change_trigger import update_trigger
from triggerfish.usecases.query_operational_events import list_operational_events


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
