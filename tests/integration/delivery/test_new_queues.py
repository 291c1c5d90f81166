"""A start with queues that kept nothing: whatever waits is sent anew, and once."""

from collections.abc import AsyncIterator

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_catalogue_event, a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, fire
from tests.integration.imports import lines
from tests.receiver import Receiver
from triggerfish.adapters.db.lost_messages import forget_messages
from triggerfish.domain.access import CATALOGUE_ADMIN, Principal
from triggerfish.settings import Settings
from triggerfish.usecases.manage_events import create_event
from triggerfish.usecases.manage_jobs import get_job
from triggerfish.usecases.upload_file import upload_file
from triggerfish.wiring import Wiring


async def content() -> AsyncIterator[bytes]:
    yield lines(3)


async def test_after_a_start_with_empty_queues_nothing_waits_for_a_lost_message(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver, settings: Settings
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule={"in": "2s"}))
    job = await upload_file("a.jsonl", content(), caller, parts.upload_file)
    await create_event(a_catalogue_event(), CATALOGUE_ADMIN, parts.manage_events)
    queues = (
        settings.deliveries_queue_url,
        settings.imports_queue_url,
        settings.notifications_queue_url,
    )
    counts = [len(functions.messages(queue)) for queue in queues]  # and so they are gone
    assert counts == [2, 1, 1]

    async def sweep() -> list[int]:
        return [
            (await functions.tick())["swept"],
            (await functions.sweep_jobs())["sent"],
            (await functions.sweep_notifications())["swept"],
        ]

    assert await sweep() == [0, 0, 0]
    await forget_messages(parts.database, now=clock.now())
    assert await sweep() == [1, 1, 1]  # what is due already, the sweep finds after a moment
    assert await sweep() == [0, 0, 0]
    clock.advance(seconds=2)
    assert await sweep() == [1, 0, 0]
    for queue, work in zip(
        queues, (functions.deliver, functions.process, functions.notify), strict=True
    ):
        await work(functions.messages(queue))
    assert len(receiver.deliveries) == 2
    assert (await get_job(job.id, caller, parts.manage_jobs)).status == "completed"
    await forget_messages(parts.database, now=clock.now())
    clock.advance(seconds=61)
    assert await sweep() == [0, 0, 0]
