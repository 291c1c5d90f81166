"""A worker's time at an endpoint is limited; its free slots are used all the same."""

import asyncio

from tests import functions
from tests.clock import VirtualClock
from tests.factories import an_api_trigger
from tests.integration.actions import create, fire, logs
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.wiring import Wiring


async def test_while_one_post_hangs_beyond_its_workers_time_others_use_the_free_slots(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    endpoint = {"url": receiver.url(), "max_concurrency": 2, "timeout_seconds": 30}
    trigger = await create(parts, caller, an_api_trigger("", endpoint=endpoint))
    queue = parts.settings.deliveries_queue_url
    receiver.hold = asyncio.Event()
    await fire(parts, trigger, b'{"id": 0}')
    slow = asyncio.create_task(functions.work(queue))
    async with asyncio.timeout(10):
        while not receiver.deliveries:
            await asyncio.sleep(0.01)
        clock.advance(seconds=16)
        held, receiver.hold = receiver.hold, None
        for number in range(1, 4):
            await fire(parts, trigger, b'{"id": %d}' % number)
        while len(receiver.deliveries) < 4:
            await functions.work(queue)
            await asyncio.sleep(0.05)
    assert not slow.done()
    held.set()
    await slow
    assert {seen.log.status for seen in await logs(parts, caller)} == {"success"}
    assert receiver.most_at_once == 2
