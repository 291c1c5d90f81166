"""Notifications: stored with their change, told once however often their message comes."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_catalogue_event, an_api_trigger
from tests.integration import actions
from tests.integration.lanes import dsn
from tests.receiver import Receiver
from triggerfish.domain.access import CATALOGUE_ADMIN, Principal
from triggerfish.domain.catalogue_notification import LEASE, News, Notification
from triggerfish.domain.errors import Conflict, TryLater
from triggerfish.settings import Settings
from triggerfish.usecases.manage_events import change_catalogue_event, create_event
from triggerfish.wiring import Wiring, install


class Listener:
    """A notifier that remembers, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.told: list[str] = []
        self._failures = failures

    async def notify(self, notification: Notification) -> None:
        if self._failures:
            self._failures -= 1
            raise TryLater("not now")
        self.told.append(notification.text)


@pytest.fixture
async def listener(parts: Wiring) -> Listener:
    parts.__dict__["notifier"] = one = Listener()
    return one


async def create(parts: Wiring, **changes: Any) -> UUID:
    event = await create_event(a_catalogue_event(**changes), CATALOGUE_ADMIN, parts.manage_events)
    return event.id


async def become(parts: Wiring, event_id: UUID, status: str) -> None:
    await change_catalogue_event(event_id, {"status": status}, parts.manage_events)


def named(message: dict[str, Any]) -> UUID:
    """The notification that a message is about."""
    return UUID(json.loads(message["body"])["notification_id"])


async def test_each_change_of_status_is_told_once_although_messages_repeat(
    parts: Wiring, listener: Listener, notifications_url: str
) -> None:
    event = await create(parts)
    await become(parts, event, "PUBLISHED")
    await change_catalogue_event(event, {"internalNotes": "quiet"}, parts.manage_events)
    await become(parts, event, "CANCELLED")
    messages = functions.messages(notifications_url)
    for _ in range(3):
        assert await functions.notify(messages + messages) == []
    assert sorted(listener.told) == [
        "Event cancelled: Jazz Night",
        "Event published: Jazz Night",
        "New event created: Jazz Night",
    ]


async def test_the_log_is_told_by_default_once(
    parts: Wiring, notifications_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await create(parts)
    messages = functions.messages(notifications_url)
    for _ in range(2):
        await functions.notify(messages)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    [line] = [line for line in lines if line["event"] == "catalogue_notification"]
    assert line["text"] == "New event created: Jazz Night"


async def test_a_refused_change_tells_nothing(
    parts: Wiring, listener: Listener, notifications_url: str
) -> None:
    event = await create(parts, status="CANCELLED")
    with pytest.raises(Conflict):
        await become(parts, event, "PUBLISHED")
    await functions.notify(functions.messages(notifications_url))
    assert listener.told == ["New event created: Jazz Night"]


async def test_of_two_changes_that_saw_the_same_event_the_second_is_refused_and_tells_nothing(
    parts: Wiring, listener: Listener, notifications_url: str
) -> None:
    event_id = await create(parts)
    seen = await parts.catalogue_events.get(event_id)
    assert seen is not None
    await become(parts, event_id, "PUBLISHED")
    later = parts.manage_events
    stale = type(later)(later.clock, later.ids, _Stale(parts, seen), later.outbox, later.queue)
    with pytest.raises(Conflict):
        await change_catalogue_event(event_id, {"internalNotes": "lost?"}, stale)
    with pytest.raises(Conflict):
        await change_catalogue_event(event_id, {"status": "CANCELLED"}, stale)
    stored = await parts.catalogue_events.get(event_id)
    assert stored is not None
    assert (stored.status, stored.internal_notes, stored.version) == ("PUBLISHED", None, 2)
    await functions.notify(functions.messages(notifications_url))
    assert len(listener.told) == 2


class _Stale:
    """A store whose reader saw the event before somebody else's change."""

    def __init__(self, parts: Wiring, seen: Any) -> None:
        self._seen = seen
        self.insert, self.replace = parts.catalogue_events.insert, parts.catalogue_events.replace
        self.page = parts.catalogue_events.page

    async def get(self, event_id: UUID) -> Any:
        return self._seen


async def test_a_lost_message_is_sent_again_by_the_sweep(
    parts: Wiring, listener: Listener, notifications_url: str, clock: VirtualClock
) -> None:
    await create(parts)
    functions.forget_messages(notifications_url)
    clock.advance(seconds=59)
    assert await functions.sweep_notifications() == {"swept": 0}
    clock.advance(seconds=1)
    assert await functions.sweep_notifications() == {"swept": 1}
    assert await functions.sweep_notifications() == {"swept": 0}
    await functions.notify(functions.messages(notifications_url))
    assert listener.told == ["New event created: Jazz Night"]
    clock.advance(hours=2)
    assert await functions.sweep_notifications() == {"swept": 0}


async def test_a_change_while_the_queue_is_away_is_told_once_it_is_back(
    parts: Wiring, listener: Listener, settings: Settings, clock: VirtualClock
) -> None:
    away = Wiring(
        settings.model_copy(update={"notifications_queue_url": f"http://127.0.0.1:1/{uuid4()}"}),
        clock=clock,
    )
    try:
        await create(away)
    finally:
        await away.close()
    assert await functions.sweep_notifications() == {"swept": 0}
    clock.advance(seconds=2)
    assert await functions.sweep_notifications() == {"swept": 1}
    await functions.notify(functions.messages(settings.notifications_queue_url))
    assert listener.told == ["New event created: Jazz Night"]


async def test_a_failure_is_tried_again_after_waits_that_grow(
    parts: Wiring, notifications_url: str, clock: VirtualClock
) -> None:
    parts.__dict__["notifier"] = listener = Listener(failures=2)
    await create(parts)
    assert await functions.notify(functions.messages(notifications_url)) == []
    for wait in (5, 10):
        clock.advance(seconds=wait - 1)
        assert await functions.sweep_notifications() == {"swept": 0}
        clock.advance(seconds=1)
        assert await functions.sweep_notifications() == {"swept": 1}
        await functions.notify(functions.messages(notifications_url))
    assert listener.told == ["New event created: Jazz Night"]


async def test_what_a_dead_worker_had_claimed_is_told_when_its_lease_is_over(
    parts: Wiring, listener: Listener, notifications_url: str, clock: VirtualClock
) -> None:
    await create(parts)
    messages = functions.messages(notifications_url)
    [claimed] = await parts.catalogue_outbox.claim([named(messages[0])], now=clock.now())
    await functions.notify(messages)
    assert listener.told == []
    clock.advance(seconds=LEASE.total_seconds())
    assert await functions.sweep_notifications() == {"swept": 1}
    await functions.notify(functions.messages(notifications_url))
    assert listener.told == ["New event created: Jazz Night"]
    await parts.catalogue_outbox.put_off(claimed, until=clock.now())  # it was not dead
    clock.advance(hours=1)
    assert await functions.sweep_notifications() == {"swept": 0}


async def test_a_message_that_overtakes_its_mark_waits_for_it_and_is_told(
    parts: Wiring, listener: Listener, settings: Settings
) -> None:
    await create(parts)
    messages = functions.messages(settings.notifications_queue_url)
    with psycopg.connect(dsn(settings.database_url)) as marking:
        marking.execute("UPDATE catalogue_notifications SET resend_at = resend_at")
        telling = asyncio.create_task(functions.notify(messages))
        async with asyncio.timeout(30):
            while not waiting_for_a_lock(settings.database_url):
                await asyncio.sleep(0.01)
    await telling
    assert listener.told == ["New event created: Jazz Night"]


def waiting_for_a_lock(database_url: str) -> bool:
    """Whether a statement in that database waits for another transaction."""
    query = """
        SELECT count(*) > 0 FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    with psycopg.connect(dsn(database_url)) as connection:
        return bool(connection.execute(query).fetchall()[0][0])


async def test_a_message_that_is_no_notification_fails_alone(
    parts: Wiring, listener: Listener, notifications_url: str
) -> None:
    await create(parts)
    [message] = functions.messages(notifications_url)
    unknown = json.dumps({"v": 1, "notification_id": str(uuid4())})
    bodies = {"none": "{}", "text": "hello", "old": '{"v": 0}', "wrong": '{"v":1}'}
    poison = [message | {"messageId": name, "body": body} for name, body in bodies.items()]
    gone = message | {"messageId": "gone", "body": unknown}
    assert await functions.notify([*poison, gone, message]) == list(bodies)
    assert len(listener.told) == 1


async def test_a_trigger_tells_its_endpoint_by_a_signed_webhook_once(
    parts: Wiring, caller: Principal, receiver: Receiver, settings: Settings, clock: VirtualClock
) -> None:
    trigger = await actions.create(parts, caller, an_api_trigger(receiver.url(), schema={}))
    chosen = {"catalogue_notifier": "trigger", "catalogue_trigger_id": trigger.id}
    told_by_trigger = Wiring(settings.model_copy(update=chosen), clock=clock)
    install(told_by_trigger)
    try:
        event = await create(told_by_trigger)
        [message] = functions.messages(settings.notifications_queue_url)
        await functions.notify([message, message])
        told = Notification(named(message), event, News.CREATED, "Jazz Night", clock.now())
        await told_by_trigger.notifier.notify(told)  # as after a crash before it was recorded
        await functions.work(settings.deliveries_queue_url)
    finally:
        await told_by_trigger.close()
        install(parts)
    [delivery] = receiver.deliveries
    assert json.loads(delivery.body) == {
        "type": "catalogue.event_created",
        "message": "New event created: Jazz Night",
        "eventId": str(event),
        "occurredAt": "2026-03-02T12:00:00Z",
    }
    assert delivery.headers["webhook-signature"].startswith("v1,")


async def test_a_trigger_that_is_gone_keeps_the_notification_waiting(
    parts: Wiring, settings: Settings, clock: VirtualClock
) -> None:
    chosen = {"catalogue_notifier": "trigger", "catalogue_trigger_id": uuid4()}
    told_by_trigger = Wiring(settings.model_copy(update=chosen), clock=clock)
    install(told_by_trigger)
    try:
        await create(told_by_trigger)
        await functions.notify(functions.messages(settings.notifications_queue_url))
        clock.advance(seconds=5)
        assert await functions.sweep_notifications() == {"swept": 1}
    finally:
        await told_by_trigger.close()
        install(parts)
