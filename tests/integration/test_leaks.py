"""What a worker has done leaves nothing behind in it: no file, no connection, no object."""

import gc
import os
from collections import Counter

from tests import functions
from tests.factories import an_api_trigger
from tests.integration.actions import create, fire
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.wiring import Wiring

EVENTS = 40


async def test_forty_events_more_leave_nothing_more_behind(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    receiver.answer(200)
    trigger = await create(
        parts, caller, an_api_trigger(receiver.url(), retry={"delays_seconds": []})
    )

    async def round_of_events() -> tuple[int, Counter[str]]:
        for number in range(EVENTS):
            await fire(parts, trigger, b'{"id": %d}' % number)
        await functions.tick()
        await functions.work(parts.settings.deliveries_queue_url)
        await functions.retention()
        receiver.deliveries.clear()
        gc.collect()
        return len(os.listdir("/proc/self/fd")), ours()

    await round_of_events()  # connections are opened, caches filled
    files, objects = await round_of_events()
    files_later, objects_later = await round_of_events()
    grown = objects_later - objects + Counter(files=files_later - files)
    # Pools may open another connection; what is kept of each event comes to as many as those.
    assert all(more < EVENTS // 2 for more in grown.values()), grown


def ours() -> Counter[str]:
    """Living objects of the platform's own types."""
    return Counter(
        type(one).__qualname__
        for one in gc.get_objects()
        if str(type(one).__module__).startswith("triggerfish.")
    )
