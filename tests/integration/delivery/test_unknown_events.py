"""Messages about events that never were end in the dead-letter queue; about those that are gone, not."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import boto3
import pytest
from sqlalchemy import text

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, fire
from tests.receiver import Receiver
from triggerfish.adapters.ids import SystemIds
from triggerfish.domain.access import Principal
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.message import message_body
from triggerfish.usecases.change_trigger import pause_trigger, update_trigger
from triggerfish.usecases.manage_triggers import delete_trigger
from triggerfish.wiring import Wiring

MAX_RECEIVES = 5


def job(event_id: UUID, due_at: datetime, **changes: Any) -> dict[str, Any]:
    """A record of a well-formed job."""
    body = message_body([EventRef(event_id, due_at, "somewhere")])
    body["events"][0] |= changes
    return {"messageId": str(event_id), "body": json.dumps(body)}


def renamed(record: dict[str, Any], event_id: UUID) -> dict[str, Any]:
    """The same message, about another event."""
    body = json.loads(record["body"])
    body["events"][0]["id"] = str(event_id)
    return {"messageId": str(event_id), "body": json.dumps(body)}


def unknown_ids(now: datetime) -> list[UUID]:
    """As they may come: at random, made just now, in years, long ago; and the odd ones."""
    made = [now, now + timedelta(days=400), now - timedelta(days=400)]
    return [uuid4(), *map(SystemIds().uuid7, made), UUID(int=0), UUID(int=2**128 - 1)]


async def test_unknown_events_fail_alone_and_the_rest_of_their_batch_is_delivered(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    [good] = functions.messages(parts.settings.deliveries_queue_url)
    ids = unknown_ids(clock.now())
    poison = [job(id, clock.now()) for id in ids[:3]] + [renamed(good, id) for id in ids[3:]]
    for _ in range(2):  # an operator who sends them back sees them again
        assert await functions.deliver([*poison, good]) == [str(id) for id in ids]
    assert len(receiver.deliveries) == 1
    assert functions.messages(parts.settings.deliveries_queue_url) == []


async def test_an_unknown_event_is_given_up_after_five_receives_and_harms_nobody(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    sqs = boto3.client("sqs")
    queue, dead = parts.settings.deliveries_queue_url, parts.settings.deliveries_dlq_url
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    poison = job(uuid4(), clock.now())["body"]
    sqs.send_message(QueueUrl=queue, MessageBody=poison)
    receives = 0
    for number in range(MAX_RECEIVES + 1):
        await fire(parts, trigger, b'{"id": %d}' % number)
        answer = sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0, AttributeNames=["All"]
        )
        records = [
            {"messageId": one["MessageId"], "body": one["Body"]} for one in answer["Messages"]
        ]
        failed = await functions.deliver(records)
        receives += len(failed)
        for one in answer["Messages"]:
            if one["MessageId"] not in failed:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
    assert receives == MAX_RECEIVES
    assert len(receiver.deliveries) == MAX_RECEIVES + 1
    [letter] = sqs.receive_message(QueueUrl=dead)["Messages"]
    assert letter["Body"] == poison


async def test_an_unknown_event_of_a_busy_endpoint_fails_and_holds_nobody_up(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    endpoint = {"url": receiver.url(), "max_concurrency": 1}
    trigger = await create(parts, caller, an_api_trigger(receiver.url(), endpoint=endpoint))
    for number in range(3):
        await fire(parts, trigger, b'{"id": %d}' % number)
    records = functions.messages(parts.settings.deliveries_queue_url)
    receiver.hold = asyncio.Event()
    working = asyncio.create_task(functions.deliver(records))
    async with asyncio.timeout(10):
        while not receiver.deliveries:
            await asyncio.sleep(0.01)
    poison = renamed(records[0], uuid4())
    assert await functions.deliver([poison]) == [poison["messageId"]]
    receiver.hold.set()
    assert await working == []
    assert len(receiver.deliveries) == 3


async def test_an_unknown_event_whose_endpoint_has_no_turn_left_is_not_sent_around(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    endpoint = {"url": receiver.url(), "rate_per_second": 0.01}
    trigger = await create(parts, caller, an_api_trigger(receiver.url(), endpoint=endpoint))
    await fire(parts, trigger, b'{"id": 1}')
    [record] = functions.messages(parts.settings.deliveries_queue_url)
    assert await functions.deliver([record]) == []  # the next turn is 100 s away
    poison = renamed(record, uuid4())
    assert await functions.deliver([poison]) == [poison["messageId"]]
    assert functions.messages(parts.settings.deliveries_queue_url) == []


async def test_an_unknown_event_that_is_due_in_years_does_not_wait_for_them(
    parts: Wiring, clock: VirtualClock
) -> None:
    poison = job(uuid4(), clock.now() + timedelta(days=10_000))
    assert await functions.deliver([poison]) == [poison["messageId"]]
    assert functions.messages(parts.settings.deliveries_queue_url) == []


@pytest.mark.parametrize("change", ["edit", "pause", "delete"])
async def test_the_message_of_a_withdrawn_event_is_dropped_at_its_first_receive(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver, change: str
) -> None:
    trigger = await create(
        parts, caller, a_scheduled_trigger(receiver.url(), schedule={"in": "2s"})
    )
    [record] = functions.messages(parts.settings.deliveries_queue_url)
    match change:
        case "edit":
            later = {"schedule": {"in": "1h"}}
            await update_trigger(trigger.id, later, caller, parts.change_trigger)
        case "pause":
            await pause_trigger(trigger.id, caller, parts.change_trigger)
        case "delete":
            await delete_trigger(trigger.id, caller, parts.manage_triggers)
    clock.advance(seconds=2)
    assert await functions.deliver([record, record]) == []
    clock.advance(hours=47)
    await functions.retention()
    assert await functions.deliver([record]) == []
    clock.advance(hours=2)
    await functions.retention()
    assert await functions.deliver([record]) == []
    assert await parts.database.run(text("SELECT id FROM withdrawn_events")) == []
    assert receiver.deliveries == []


async def test_the_message_of_an_expired_event_is_dropped_also_by_a_clock_that_lags(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    [record] = functions.messages(parts.settings.deliveries_queue_url)
    assert await functions.deliver([record]) == []
    for hours in (3, 45):
        clock.advance(hours=hours)
        await functions.retention()
    assert await parts.events.find([UUID(json.loads(record["body"])["events"][0]["id"])]) == []
    clock.set_back(seconds=50)
    assert await functions.deliver([record]) == []
    clock.advance(days=28)
    assert await functions.deliver([record]) == []
    assert len(receiver.deliveries) == 1
