"""Scheduled triggers: created over HTTP, fired by the tick, delivered at their time, logged once."""

from datetime import timedelta
from typing import Any

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.domain.event_log import EventLogFilter, SeenEventLog
from triggerfish.usecases.create_trigger import create_trigger
from triggerfish.usecases.query_event_logs import Window, get_event_log, list_event_logs
from triggerfish.wiring import Wiring


async def test_a_one_shot_fires_at_its_time_and_its_log_turns_success(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    due = clock.now() + timedelta(seconds=5)
    await create_trigger(
        a_scheduled_trigger(receiver.url(), schedule={"in": "5s"}, payload={"n": 1}),
        caller,
        parts.create_trigger,
    )
    assert await functions.tick() == {"fired": 0, "skipped": 0, "swept": 0}

    clock.advance(seconds=4)
    assert (await functions.tick())["fired"] == 1
    await functions.work(parts.settings.deliveries_queue_url)

    assert clock.now() == due  # the worker waited until then, and not longer
    [delivery] = receiver.deliveries
    assert delivery.body == b'{"n":1}'
    [log] = await logs(parts, caller)
    assert (log.log.status, log.log.scheduled_for, log.log.fired_at) == ("success", due, due)
    detail = await get_event_log(log.log.id, caller, parts.query_event_logs)
    [attempt] = detail.log.attempts
    assert attempt["number"] == 1
    assert attempt["status_code"] == 200
    assert attempt["duration_ms"] >= 0


async def logs(parts: Wiring, caller: Principal, **window: Any) -> list[SeenEventLog]:
    page = await list_event_logs(
        caller, EventLogFilter(), Window(**window), parts.query_event_logs, limit=250, cursor=None
    )
    return page.items
