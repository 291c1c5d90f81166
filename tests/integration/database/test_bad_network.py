"""Postgres and the queue over a network that is slow, narrow or breaks: late at worst, never lost."""

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy import make_url

from local.services.postgres import PORT, Postgres
from tests import functions
from tests.bad_network import Network, bad_network
from tests.clock import VirtualClock
from tests.conftest import API_KEY
from tests.contract.sqs.backends import Sqs, broker_process, sqs_at
from tests.factories import an_api_trigger
from tests.integration.actions import create, detail, fire
from tests.invariants import assert_invariants
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.domain.errors import TryLater
from triggerfish.domain.trigger import Trigger
from triggerfish.settings import Settings
from triggerfish.wiring import Wiring, install

CALLS, ENOUGH_CALLS = 4, 200
RECOVERY_SECONDS = 10
BAD: dict[str, dict[str, float]] = {
    "slow": {"latency_seconds": 0.05},
    "narrow": {"bytes_per_second": 64_000 / 8},
    "breaking": {"reset_probability": 0.1},
}


@dataclass
class Site:
    """A platform whose Postgres and queue are elsewhere."""

    parts: Wiring
    caller: Principal
    queue: Sqs
    networks: tuple[Network, Network]

    @property
    def queue_url(self) -> str:
        return self.parts.settings.deliveries_queue_url

    async def work(self) -> list[str]:
        """Deliver every message there is; ids of those that failed. The worker sees the queue well."""
        failed: list[str] = []
        while messages := await asyncio.to_thread(self.queue.receive, self.queue_url):
            records = [{"messageId": one["MessageId"], "body": one["Body"]} for one in messages]
            failed += await functions.deliver(records)
            for one in messages:
                await asyncio.to_thread(self.queue.delete, self.queue_url, one)
        return failed


@pytest.fixture(scope="module")
def queue() -> Iterator[Sqs]:
    with broker_process() as (url, _), sqs_at(url) as one:
        yield one


@pytest.fixture
async def site(
    settings: Settings, postgres: Postgres, queue: Sqs, clock: VirtualClock
) -> AsyncIterator[Site]:
    random, broker = Random(20), urlsplit(queue.client.meta.endpoint_url)
    to_postgres = partial(asyncio.open_unix_connection, f"{postgres.socket_dir}/.s.PGSQL.{PORT}")
    to_queue = partial(asyncio.open_connection, broker.hostname, broker.port)
    async with bad_network(to_postgres, random) as one, bad_network(to_queue, random) as other:
        name = make_url(settings.database_url).database
        changes: dict[str, Any] = {
            "database_url": f"postgresql+psycopg://postgres@127.0.0.1:{one.port}/{name}",
            "sqs_endpoint_url": f"http://127.0.0.1:{other.port}",
            "deliveries_queue_url": queue.queue(),
        }
        parts = Wiring(settings.model_copy(update=changes), clock=clock)
        install(parts)
        await parts.ensure_bootstrap(API_KEY)
        caller = await parts.authenticate(API_KEY)
        assert caller is not None
        yield Site(parts, caller, queue, (one, other))
        await parts.close()
        assert_invariants(settings.database_url, now=clock.now(), retention=settings.retention)


@pytest.mark.parametrize("how", BAD)
async def test_what_was_accepted_over_a_bad_network_is_delivered_once_it_is_good_again(
    site: Site, clock: VirtualClock, receiver: Receiver, how: str
) -> None:
    trigger = await create(site.parts, site.caller, an_api_trigger(receiver.url()))
    for network in site.networks:
        vars(network).update(BAD[how])
    accepted: list[UUID] = []
    calls = 0
    while calls < CALLS or (how == "breaking" and calls == len(accepted)):
        calls += 1
        if event_id := await _call(site, trigger, calls):
            accepted.append(event_id)
        assert calls < ENOUGH_CALLS
    await site.work()
    assert calls == len(accepted) or how == "breaking", "slow is not away"

    for network in site.networks:
        network.heal()
    began = time.monotonic()
    while (last := await _call(site, trigger, 0)) is None:
        assert time.monotonic() - began < RECOVERY_SECONDS
    accepted.append(last)
    for _ in range(2):  # leases of what was under way, and messages that were lost
        clock.advance(seconds=61)
        await functions.tick()
        assert await site.work() == []
    for event_id in accepted:
        assert (await detail(site.parts, site.caller, event_id)).log.status == "success"
    assert site.networks[0].open <= site.parts.settings.database_pool_size


async def _call(site: Site, trigger: Trigger, number: int) -> UUID | None:
    """The event, None when the caller is told to come again."""
    try:
        event_id: UUID = await fire(site.parts, trigger, json.dumps({"id": number}).encode())
    except TryLater:
        return None
    return event_id


async def test_a_connection_whose_other_end_has_vanished_is_noticed_within_half_a_minute(
    site: Site,
) -> None:
    """No test can unplug a cable; the kernel watches if it is told to."""
    async with site.parts.database.transaction() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        with socket.socket(fileno=os.dup(raw.fileno())) as one:
            tcp = partial(one.getsockopt, socket.IPPROTO_TCP)
            assert one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            silence = tcp(socket.TCP_KEEPIDLE)
            silence += tcp(socket.TCP_KEEPINTVL) * tcp(socket.TCP_KEEPCNT)
            assert silence <= 30
            assert 0 < tcp(socket.TCP_USER_TIMEOUT) <= 30_000
