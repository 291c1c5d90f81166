"""An endpoint's own limits: how many deliveries it gets at once, and how many a second."""

import asyncio
import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.factories import an_api_trigger
from tests.integration.actions import create, fire, logs
from tests.integration.lanes import Api, assert_refused
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.domain.endpoint_limits import limits_of
from triggerfish.domain.message import parse_message
from triggerfish.wiring import Wiring

TRIGGERS = "/api/v1/triggers"


def limited(receiver: Receiver, **limits: Any) -> dict[str, Any]:
    return an_api_trigger(receiver.url(), endpoint={"url": receiver.url()} | limits)


async def test_an_endpoint_gets_as_many_at_once_as_it_asks_for(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, limited(receiver, max_concurrency=2))
    for n in range(12):
        await fire(parts, trigger, b'{"id": %d}' % n)
    records = functions.messages(parts.settings.deliveries_queue_url)
    receiver.hold = asyncio.Event()
    batches = [asyncio.create_task(functions.deliver(records[i : i + 6])) for i in (0, 6)]
    async with asyncio.timeout(10):
        while len(receiver.deliveries) < 2:
            await asyncio.sleep(0.01)
        receiver.hold.set()
        await asyncio.gather(*batches)
    assert receiver.most_at_once == 2
    assert {seen.log.status for seen in await logs(parts, caller)} == {"success"}


async def test_a_rated_endpoint_gets_its_events_an_interval_apart(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    limits = {"rate_per_second": 0.2, "max_concurrency": 1}
    trigger = await create(parts, caller, limited(receiver, **limits))
    for n in range(8):
        await fire(parts, trigger, b'{"id": %d}' % n)
    queue = parts.settings.deliveries_queue_url
    records, invocations = functions.messages(queue), 0
    while records:  # what is over the rate comes back by one message, when it is its turn
        assert await functions.deliver(records) == []
        invocations += 1
        records = functions.messages(queue)
        assert len(records) <= 1
    starts = sorted(started_at(seen.log.attempts) for seen in await logs_in_full(parts, caller))
    assert len(starts) == 8
    gaps = [after - before for before, after in pairwise(starts)]
    assert all(gap >= timedelta(seconds=5) for gap in gaps)
    assert starts[-1] - starts[0] == timedelta(seconds=35)
    assert invocations <= 4  # each goes on for 15 seconds
    assert clock.now() - starts[-1] <= timedelta(seconds=5)


async def logs_in_full(parts: Wiring, caller: Principal) -> Any:
    found = await logs(parts, caller)
    assert {seen.log.status for seen in found} == {"success"}
    return found


def started_at(attempts: list[dict[str, Any]]) -> datetime:
    [attempt] = attempts
    return datetime.fromisoformat(attempt["started_at"])


async def test_a_message_names_the_limits_so_that_no_worker_has_to_look_them_up(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    limits = {"rate_per_second": 0.5, "max_concurrency": 3}
    await fire(parts, await create(parts, caller, limited(receiver, **limits)), b'{"id": 1}')
    [record] = functions.messages(parts.settings.deliveries_queue_url)
    named = limits_of(parse_message(json.loads(record["body"]))[0].endpoint_key)
    assert (named.max_concurrency, named.interval) == (3, timedelta(seconds=2))


async def test_limits_are_kept_in_their_revision_and_edited(api: Api) -> None:
    url = "https://example.com/hook"
    endpoint = {"url": url, "max_concurrency": 3, "rate_per_second": 0.5}
    trigger = await api.create(an_api_trigger(url, endpoint=endpoint))
    whole = endpoint | {"headers": {}, "timeout_seconds": 15.0}
    assert trigger["endpoint"] == whole
    path = f"{TRIGGERS}/{trigger['id']}"
    assert (await api.http.patch(path, json={"endpoint": whole})).json()["revision"] == 1
    edited = (await api.http.patch(path, json={"endpoint": {"url": url}})).json()
    assert (edited["revision"], "rate_per_second" in edited["endpoint"]) == (2, False)
    revisions = (await api.get(f"{path}/revisions"))["data"]
    assert revisions[1]["endpoint"] == whole


@pytest.mark.parametrize("name", ["max_concurrency", "rate_per_second"])
async def test_a_limit_that_cannot_be_is_refused_naming_the_field(api: Api, name: str) -> None:
    url = "https://example.com/hook"
    body = an_api_trigger(url, endpoint={"url": url, name: 0})
    answer = await api.http.post(TRIGGERS, json=body)
    assert_refused(answer, 400)
    assert [one["field"] for one in answer.json()["error"]["details"]] == [f"endpoint.{name}"]
