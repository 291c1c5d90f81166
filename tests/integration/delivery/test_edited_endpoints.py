"""Retries after an edit: where the event's first attempt went, or to the trigger's endpoint of now."""

import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.factories import an_api_trigger
from tests.integration.delivery.customer import Customer
from tests.receiver import Receiver
from triggerfish.usecases.change_trigger import update_trigger
from triggerfish.usecases.manage_triggers import delete_trigger

RETRY = {"delays_seconds": [60, 60]}


@pytest.mark.parametrize(
    ("retry", "second"),
    [
        (RETRY, "/then"),
        (RETRY | {"endpoint": "original"}, "/then"),
        (RETRY | {"endpoint": "current"}, "/now"),
    ],
)
async def test_a_retry_goes_where_the_edited_trigger_says(
    customer: Customer,
    clock: VirtualClock,
    receiver: Receiver,
    retry: dict[str, object],
    second: str,
) -> None:
    receiver.answer(500, 200)
    url = receiver.url("/then")
    trigger = await customer.create(an_api_trigger(url, retry=RETRY))
    await customer.fire(trigger)
    change = {"endpoint": {"url": receiver.url("/now")}, "retry": retry}
    await update_trigger(trigger.id, change, customer.caller, customer.parts.change_trigger)
    clock.advance(minutes=2)
    await functions.tick()
    await functions.work(customer.parts.settings.deliveries_queue_url)
    first, again = receiver.deliveries
    assert (first.path, again.path) == ("/then", second)
    assert first.body == again.body
    assert first.headers["webhook-id"] == again.headers["webhook-id"]


async def test_an_edit_while_retries_go_on_is_followed_and_a_deletion_is_not(
    customer: Customer, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(500)
    retry = {"delays_seconds": [60] * 5, "endpoint": "current"}
    trigger = await customer.create(an_api_trigger(receiver.url("/a"), retry=retry))
    await customer.fire(trigger)
    for path in ("/b", "/c"):
        change = {"endpoint": {"url": receiver.url(path)}}
        await update_trigger(trigger.id, change, customer.caller, customer.parts.change_trigger)
        clock.advance(minutes=2)
        await functions.tick()
        await functions.work(customer.parts.settings.deliveries_queue_url)
    await delete_trigger(trigger.id, customer.caller, customer.parts.manage_triggers)
    clock.advance(minutes=2)
    await functions.tick()
    await functions.work(customer.parts.settings.deliveries_queue_url)
    assert [one.path for one in receiver.deliveries] == ["/a", "/b", "/c", "/a"]
