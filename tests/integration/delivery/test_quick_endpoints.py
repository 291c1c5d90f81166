"""An endpoint that answers quickly has events claimed ahead; one that becomes slow gives them back."""

import asyncio

from tests import functions
from tests.clock import VirtualClock
from tests.factories import an_api_trigger
from tests.integration.actions import claim_all, create, fire, logs
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.domain.delivery import Returned
from triggerfish.wiring import Wiring


async def test_a_backlog_is_delivered_with_fewer_statements_than_events(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await asyncio.gather(*(fire(parts, trigger, b'{"id": %d}' % n) for n in range(60)))
    statements = []
    run = parts.database.run

    async def counted(statement: object, /, **values: object) -> object:
        if "claims" in values:
            statements.append(statement)
        return await run(statement, **values)  # type: ignore[arg-type]

    parts.database.run = counted  # type: ignore[method-assign, assignment]
    await functions.work(parts.settings.deliveries_queue_url)
    assert len(receiver.deliveries) == 60
    assert len({one.headers["webhook-id"] for one in receiver.deliveries}) == 60
    assert receiver.most_at_once <= parts.settings.endpoint_concurrency
    assert len(statements) < 40


async def test_an_event_that_is_given_back_is_as_it_was_and_delivered_later(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    [claimed] = await claim_all(parts, trigger)
    settled = await parts.deliveries.settle([Returned(claimed, clock.now())], [], now=clock.now())
    assert settled.done == {claimed.id}
    [seen] = await logs(parts, caller)
    assert (seen.log.status, seen.log.attempt_count) == ("pending", 0)
    assert await parts.observations.totals() == []
    await functions.tick()
    await functions.work(parts.settings.deliveries_queue_url)
    assert len(receiver.deliveries) == 1


async def test_events_claimed_ahead_are_given_back_when_the_endpoint_hangs(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    """So that another worker, or the next message, finds them free."""
    endpoint = {"url": receiver.url(), "max_concurrency": 2}
    trigger = await create(parts, caller, an_api_trigger("", endpoint=endpoint))
    for number in range(12):
        await fire(parts, trigger, b'{"id": %d}' % number)
    working = asyncio.create_task(functions.work(parts.settings.deliveries_queue_url))
    async with asyncio.timeout(20):
        while len(receiver.deliveries) < 4:
            await asyncio.sleep(0)
        held = receiver.hold = asyncio.Event()
        while await delivering(parts, caller) > 2:
            await asyncio.sleep(0.05)
        receiver.hold = None
        held.set()
        await working
    assert len({one.headers["webhook-id"] for one in receiver.deliveries}) == 12
    assert {one.log.attempt_count for one in await logs(parts, caller)} == {1}


async def delivering(parts: Wiring, caller: Principal) -> int:
    return sum(one.log.status == "delivering" for one in await logs(parts, caller))
