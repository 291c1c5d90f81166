"""Deliveries: signed, retried, kept apart by endpoint, and settled in the log."""

import asyncio
import json
from datetime import timedelta

from sqlalchemy import text
from standardwebhooks import Webhook

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, detail, fire, logs
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.usecases.manage_triggers import get_trigger
from triggerfish.wiring import Wiring

CLOSED = text("""
    UPDATE trigger_revisions SET endpoint = endpoint || '{"url": "http://10.1.2.3/hook"}'
""")


async def test_a_delivery_carries_the_exact_bytes_and_a_standard_signature(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    body = b'{ "id": 7,\n  "note": "sp\xc3\xa4t",  "x": 1.10 }'
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    event_id = await fire(parts, trigger, body)
    await functions.work(parts.settings.deliveries_queue_url)
    [delivery] = receiver.deliveries
    assert delivery.body == body
    assert delivery.headers["content-type"] == "application/json"
    assert delivery.headers["webhook-id"] == str(event_id)
    timestamp = int(delivery.headers["webhook-timestamp"])
    assert timestamp == int(clock.now().timestamp())
    signature = Webhook(trigger.revision.secrets.present).sign(
        str(event_id), clock.now(), body.decode()
    )
    assert delivery.headers["webhook-signature"] == signature


async def test_a_failing_endpoint_is_retried_after_its_delays_then_the_event_fails(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(500)
    retry = {"delays_seconds": [1, 60]}
    trigger = await create(parts, caller, an_api_trigger(receiver.url(), retry=retry))
    started = clock.now()
    event_id = await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)  # within the look-ahead: enqueued
    assert len(receiver.deliveries) == 2
    assert timedelta(seconds=1) <= clock.now() - started <= timedelta(seconds=1.2)

    [seen] = await logs(parts, caller)
    assert (seen.log.status, seen.log.attempt_count) == ("pending", 2)
    await functions.tick()
    assert functions.messages(parts.settings.deliveries_queue_url) == []  # a minute is far off
    clock.advance(seconds=66)
    await functions.tick()
    await functions.work(parts.settings.deliveries_queue_url)

    log = (await detail(parts, caller, event_id)).log
    assert (log.status, log.last_status_code) == ("failure", 500)
    assert log.last_error == "http_500: The endpoint answered 500 Internal Server Error."
    assert [attempt["number"] for attempt in log.attempts] == [1, 2, 3]
    bodies = {(d.headers["webhook-id"], d.body) for d in receiver.deliveries}
    assert bodies == {(str(event_id), b'{"id": 1}')}


async def test_retry_after_lengthens_the_wait(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(503, headers={"Retry-After": "90"})
    trigger = await create(
        parts, caller, an_api_trigger(receiver.url(), retry={"delays_seconds": [5]})
    )
    await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    [seen] = await logs(parts, caller)
    assert seen.log.next_attempt_at == clock.now() + timedelta(seconds=90)


async def test_410_gone_ends_the_event_and_disables_the_trigger(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    receiver.answer(410)
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    [seen] = await logs(parts, caller)
    assert (seen.log.status, seen.log.attempt_count) == ("failure", 1)
    refreshed = await get_trigger(trigger.id, caller, parts.manage_triggers)
    assert refreshed.status == "disabled"


async def test_a_redirect_is_a_failure_and_is_not_followed(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    receiver.answer(302, headers={"Location": receiver.url("/elsewhere")})
    trigger = await create(
        parts, caller, an_api_trigger(receiver.url("/hook"), retry={"delays_seconds": []})
    )
    await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    [seen] = await logs(parts, caller)
    assert seen.log.status == "failure"
    said = "http_302: The endpoint answered 302 Found; redirects are not followed."
    assert seen.log.last_error == said
    assert [delivery.path for delivery in receiver.deliveries] == ["/hook"]


async def test_a_destination_that_is_not_open_any_more_is_blocked_for_good(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    await parts.database.run(CLOSED)
    await functions.work(parts.settings.deliveries_queue_url)
    [seen] = await logs(parts, caller)
    assert seen.log.status == "failure"
    assert seen.log.last_error is not None
    assert seen.log.last_error.startswith("destination_blocked")
    assert "10.1.2.3" not in seen.log.last_error


async def test_a_busy_endpoint_gets_five_at_once_and_all_in_the_end(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    for n in range(40):
        await fire(parts, trigger, b'{"id": %d}' % n)
    records = functions.messages(parts.settings.deliveries_queue_url)
    receiver.hold = asyncio.Event()
    batches = [
        asyncio.create_task(functions.deliver(records[i : i + 10])) for i in range(0, 40, 10)
    ]
    async with asyncio.timeout(10):
        while len(receiver.deliveries) < 5:
            await asyncio.sleep(0.01)
        receiver.hold.set()
        await asyncio.gather(*batches)  # freed slots pull the parked rows: no further message
    assert receiver.most_at_once == 5
    assert len({delivery.headers["webhook-id"] for delivery in receiver.deliveries}) == 40
    assert {seen.log.status for seen in await logs(parts, caller)} == {"success"}
    assert functions.messages(parts.settings.deliveries_queue_url) == []


async def test_one_hanging_endpoint_does_not_hold_up_another(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    slow = Receiver(hold=asyncio.Event())
    await slow.start()
    hanging = await create(parts, caller, an_api_trigger(slow.url()))
    healthy = await create(parts, caller, an_api_trigger(receiver.url()))
    for n in range(20):
        await fire(parts, hanging, b'{"id": %d}' % n)
    await fire(parts, healthy, b'{"id": 99}')
    records = functions.messages(parts.settings.deliveries_queue_url)
    batches = [
        asyncio.create_task(functions.deliver(records[i : i + 10])) for i in range(0, 21, 10)
    ]
    async with asyncio.timeout(10):
        while not receiver.deliveries:
            await asyncio.sleep(0.01)
        assert slow.hold is not None
        slow.hold.set()
        await asyncio.gather(*batches)
    assert len(slow.deliveries) == 20
    await slow.stop()


async def test_a_retry_that_outlives_the_active_time_is_made_from_the_archive(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(500, 200)
    trigger = await create(
        parts, caller, an_api_trigger(receiver.url(), retry={"delays_seconds": [10_000]})
    )
    event_id = await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    clock.advance(hours=2, minutes=1)
    assert (await functions.retention())["moved"] == 1
    clock.advance(hours=2)
    assert (await functions.tick())["swept"] == 1
    await functions.work(parts.settings.deliveries_queue_url)
    seen = await detail(parts, caller, event_id)
    assert (seen.state, seen.log.status, seen.log.attempt_count) == ("archived", "success", 2)


async def test_poison_fails_alone_and_the_rest_of_its_batch_is_delivered(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    records = functions.messages(parts.settings.deliveries_queue_url)
    poison = [
        {"messageId": str(n), "body": body}
        for n, body in enumerate(["", "not json", "[]", '{"v":1}', '{"v":1,"event_id":3}'])
    ]
    failed = await functions.deliver([*poison, *records])
    assert failed == ["0", "1", "2", "3", "4"]
    assert len(receiver.deliveries) == 1


async def test_a_message_names_events_and_times_only(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule={"in": "2s"}))
    [record] = functions.messages(parts.settings.deliveries_queue_url)
    [event] = json.loads(record["body"])["events"]
    due_us = round((clock.now() + timedelta(seconds=2)).timestamp() * 1_000_000)
    assert event.keys() == {"id", "due_at_us", "endpoint_key"}
    assert event["due_at_us"] == due_us
