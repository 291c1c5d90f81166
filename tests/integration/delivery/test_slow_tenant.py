"""One tenant with more than anybody can deliver to its endpoint does not hold up the others."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests import functions
from tests.clock import VirtualClock
from tests.factories import an_api_trigger
from tests.integration.actions import create, fire
from tests.receiver import Receiver
from triggerfish.domain.access import SCOPES, Principal
from triggerfish.domain.delivery import EventRef
from triggerfish.usecases.deliver import deliver
from triggerfish.wiring import Wiring

WAITING, ARRIVING = 20_000, 1_000
TENANTS, EVENTS = 20, 2
BATCH = 10

# As the one event there is, so many times.
MULTIPLY = text("""
    INSERT INTO event_logs_active
           (id, project_id, trigger_id, revision_id, trigger_type, source, is_test, scheduled_for,
            fired_at, payload, endpoint_key, status, attempt, next_attempt_at)
    SELECT gen_random_uuid(), project_id, trigger_id, revision_id, trigger_type, source, is_test,
           scheduled_for, fired_at, payload, endpoint_key, status, attempt, next_attempt_at
      FROM event_logs_active, generate_series(1, :count)
    RETURNING id, endpoint_key
""")

UNDO = text("DELETE FROM event_logs_active WHERE status = 'pending'")


@pytest.fixture
async def slow() -> AsyncIterator[Receiver]:
    """An endpoint that answers when the test is over."""
    receiver = Receiver(hold=asyncio.Event())
    await receiver.start()
    yield receiver
    await receiver.stop()


async def another_tenant(parts: Wiring, clock: VirtualClock) -> Principal:
    project_id = uuid4()
    await parts.database.run(
        text("INSERT INTO projects (id, name, created_at) VALUES (:id, :name, :now)"),
        id=project_id,
        name=str(project_id),
        now=clock.now(),
    )
    return Principal(project_id, uuid4(), frozenset(SCOPES))


async def test_others_are_delivered_to_while_one_tenants_endpoint_hangs_and_twenty_thousand_wait(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver, slow: Receiver
) -> None:
    endpoint = {"url": slow.url(), "timeout_seconds": 30}
    await fire(
        parts, await create(parts, caller, an_api_trigger("", endpoint=endpoint)), b'{"id": 0}'
    )
    rows = await parts.database.run(MULTIPLY, count=WAITING)
    refs = [EventRef(r.id, clock.now(), r.endpoint_key) for r in rows[:ARRIVING]]
    functions.forget_messages(parts.settings.deliveries_queue_url)
    flood = [
        asyncio.create_task(deliver([tuple(refs[start : start + BATCH])], parts.deliver))
        for start in range(0, ARRIVING, BATCH)
    ]
    for _ in range(TENANTS):
        tenant = await another_tenant(parts, clock)
        trigger = await create(parts, tenant, an_api_trigger(receiver.url()))
        for number in range(EVENTS):
            await fire(parts, trigger, b'{"id": %d}' % number)
    await functions.work(parts.settings.deliveries_queue_url)

    delivered = {delivery.headers["webhook-id"] for delivery in receiver.deliveries}
    assert len(delivered) == TENANTS * EVENTS
    assert slow.deliveries
    assert slow.hold is not None
    assert not slow.hold.is_set()
    clock.advance(seconds=16)  # who holds a slot is given no more time for the rest
    slow.hold.set()
    assert await asyncio.gather(*flood) == [[]] * len(flood)
    await parts.database.run(UNDO)  # judging so many takes long
