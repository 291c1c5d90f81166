"""A sender to post with, requests for it, names that resolve as a test says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from tests.integration.delivery.sender.raw_server import (
    Connection,
    Script,
    serving,
)
from triggerfish.adapters.outgoing.look_ups import Resolver, SystemResolver
from triggerfish.adapters.outgoing.sender import HttpSender
from triggerfish.domain.egress import EgressPolicy, parse_egress_allow
from triggerfish.domain.exchange import OutboundRequest, Reply, SendFailure

LOOPBACK = parse_egress_allow("127.0.0.0/8,::1/128")
NOTHING_PRIVATE = EgressPolicy()
NOW = datetime(2026, 11, 3, 12, 0, 0, tzinfo=UTC)
SHORT = 0.3


class FixedResolver:
    """Answers every name with the given addresses, or not at all; notes what was asked."""

    def __init__(self, *addresses: str, failure: Exception | None = None) -> None:
        self.addresses = addresses
        self.failure = failure
        self.asked: list[str] = []

    async def resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        if self.failure:
            raise self.failure
        return self.addresses

    async def close(self) -> None:
        pass


@asynccontextmanager
async def sending(
    policy: EgressPolicy = LOOPBACK, resolver: Resolver | None = None
) -> AsyncIterator[HttpSender]:
    sender = HttpSender(policy, now=lambda: NOW, resolver=lambda: resolver or SystemResolver())
    try:
        yield sender
    finally:
        await sender.aclose()


def to(
    url: str,
    *,
    timeout: float = 5,
    body: bytes = b"{}",
    project: UUID | None = None,
    **headers: str,
) -> OutboundRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return OutboundRequest(url, named, body, timeout, project)


async def post_to(
    script: Script, *, timeout: float = 5, body: bytes = b"{}"
) -> Reply | SendFailure:
    async with serving(script) as server, sending() as sender:
        return await sender.post(to(server.url, timeout=timeout, body=body))


def kind(outcome: Reply | SendFailure) -> str:
    return outcome.kind if isinstance(outcome, SendFailure) else f"reply {outcome.status_code}"


async def silent(connection: Connection) -> None:
    await connection.request()
    await asyncio.sleep(10)
