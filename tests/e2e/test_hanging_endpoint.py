"""One endpoint that hangs, with a thousand events waiting for it, is nobody else's trouble."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest

from tests.e2e.conftest import Note, Record
from tests.e2e.consistency import check_consistency, connect, final_statuses
from tests.e2e.platform import Platform
from tests.e2e.receiver import Endpoint, listening
from tests.e2e.reliability import Row
from tests.e2e.waiting import until

WAITING = 1_000
HEALTHY, ROUNDS = 100, 3
PER_SECOND = 50
"""Calls to the healthy ones: an even pace, well below what the platform can do."""
P99_SECONDS = 1.0
NOISE = 5
"""On a busy machine the wait may grow to so many times that of the run without the hanging one."""
SWEPT_SECONDS = 50
"""An event whose message did nothing waits for the sweep, which sends another after a minute."""
SECONDS = 120

FAULT = f"one endpoint hangs with {WAITING:,} events waiting for it"


@pytest.mark.fault(FAULT)
def test_a_hanging_endpoint_leaves_a_hundred_others_at_their_speed(
    shared: Platform, endpoint: Endpoint, record: Record, note: Note
) -> None:
    healthy = [api_trigger(shared, endpoint.url(f"/{number}"), 15) for number in range(HEALTHY)]
    asyncio.run(fire(healthy, per_second=PER_SECOND))  # so that neither run is the first
    control = latencies(endpoint, healthy)
    with listening() as hanging:
        hanging.slow_down(3)  # and the platform waits a second
        stuck = api_trigger(shared, hanging.url(), 1)
        asyncio.run(fire([stuck] * WAITING, per_second=None))
        beside = latencies(endpoint, healthy)
        waiting = WAITING - final_statuses(shared.database_url, [stuck["id"]]).get("success", 0)
        hanging.slow_down(0)
        began = time.time()
        row = reckon(shared, [endpoint, hanging], [stuck, *healthy], began)
    note(
        f"{HEALTHY} endpoints beside a hanging one with {waiting} waiting: p99 {p99(beside):.3f} s, "
        f"without it {p99(control):.3f} s"
    )
    assert waiting == WAITING
    assert p99(beside) <= max(P99_SECONDS, NOISE * p99(control))
    assert max(control + beside) < SWEPT_SECONDS, "a message was lost on its way"
    assert (row.lost, row.duplicates, row.repeats) == (0, 0, 0)
    check_consistency(shared.database_url)
    record(row)


def api_trigger(shared: Platform, url: str, timeout_seconds: int) -> dict[str, Any]:
    retry = {"delays_seconds": [2] * 10}
    endpoint = {"url": url, "timeout_seconds": timeout_seconds}
    return shared.create(type="api", name="one of many", schema={}, endpoint=endpoint, retry=retry)


def latencies(endpoint: Endpoint, triggers: Sequence[dict[str, Any]]) -> list[float]:
    """Seconds from each call to its delivery, of some calls to each trigger."""
    called = asyncio.run(fire([*triggers] * ROUNDS, per_second=PER_SECOND))
    until(
        lambda: called.keys() <= endpoint.event_ids().keys(), SECONDS, what="deliveries", every=0.2
    )
    arrived = {one.headers["webhook-id"]: one.arrived_at for one in endpoint.deliveries()}
    return [arrived[event_id] - at for event_id, at in called.items()]


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99) - 1]


async def fire(triggers: Sequence[dict[str, Any]], *, per_second: float | None) -> dict[str, float]:
    """Call each, at an even pace or as fast as it goes; event ids with the times of their calls."""
    free = asyncio.Semaphore(16)
    began = asyncio.get_running_loop().time()

    async def call(number: int, url: str) -> tuple[str, float]:
        if per_second:
            pause = began + number / per_second - asyncio.get_running_loop().time()
            await asyncio.sleep(max(pause, 0))
        async with free:
            at = time.time()
            async with session.post(url, json={"number": number}) as answer:
                assert answer.status == 202, await answer.text()
                return str((await answer.json())["event_id"]), at

    async with aiohttp.ClientSession() as session:
        calls = (call(number, trigger["webhook_url"]) for number, trigger in enumerate(triggers))
        return dict(await asyncio.gather(*calls))


def reckon(
    shared: Platform,
    endpoints: Sequence[Endpoint],
    triggers: Sequence[dict[str, Any]],
    since: float,
) -> Row:
    """Wait for the last of all events; what the fault has cost."""
    ids, count = [trigger["id"] for trigger in triggers], WAITING + (1 + 2 * ROUNDS) * HEALTHY
    until(
        lambda: final_statuses(shared.database_url, ids) == {"success": count},
        SECONDS,
        what="every event to succeed",
        every=0.2,
    )
    with connect(shared.database_url) as connection:
        [(logged, distinct, attempts, completed_at)] = connection.execute(
            "SELECT count(*), count(DISTINCT id), sum(jsonb_array_length(attempts)),"
            " extract(epoch FROM max(completed_at))"
            " FROM event_logs_active WHERE trigger_id = ANY(%s::uuid[])",
            (ids,),
        ).fetchall()
    seen = [one.event_ids() for one in endpoints]
    return Row(
        FAULT,
        injected=1,
        at_risk=count,
        lost=count - sum(len(events) for events in seen),
        duplicates=logged - distinct,
        repeats=sum(events.total() for events in seen) - int(attempts),
        recovery_seconds=float(completed_at) - since,
    )
