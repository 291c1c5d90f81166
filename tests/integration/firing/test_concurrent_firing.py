"""Many triggers at once, several ticks and workers at once: every event once, none lost."""

import asyncio
from collections import Counter

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, fire
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.settings import Settings
from triggerfish.usecases.tick import tick
from triggerfish.wiring import Wiring

HORIZON = 2


async def test_two_ticks_at_once_log_every_due_trigger_once(
    parts: Wiring,
    caller: Principal,
    clock: VirtualClock,
    settings: Settings,
    receiver: Receiver,
) -> None:
    schedule = {"at": "2026-03-02T12:00:30Z"}
    for start in range(0, 200, 50):
        await asyncio.gather(
            *(
                create(
                    parts,
                    caller,
                    a_scheduled_trigger(receiver.url(f"/{n}"), name=str(n), schedule=schedule),
                )
                for n in range(start, start + 50)
            )
        )
    clock.advance(seconds=30)
    other = Wiring(settings, clock=clock)
    reports = await asyncio.gather(
        *(tick(settings.lookahead, wired.tick) for wired in (parts, other, parts, other))
    )
    await other.close()
    assert sum(report.fired for report in reports) == 200
    await functions.work(settings.deliveries_queue_url)
    assert Counter(delivery.path for delivery in receiver.deliveries) == {
        f"/{n}": 1 for n in range(200)
    }


async def test_concurrent_webhook_calls_each_become_one_event(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    ids = await asyncio.gather(*(fire(parts, trigger, b'{"id": %d}' % n) for n in range(200)))
    assert len(set(ids)) == 200
    await functions.work(parts.settings.deliveries_queue_url)
    delivered = Counter(delivery.headers["webhook-id"] for delivery in receiver.deliveries)
    assert delivered == {str(id): 1 for id in ids}
