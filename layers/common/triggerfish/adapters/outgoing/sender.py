"""Posts deliveries over HTTP/1.1, each within one deadline on the clock and a number of bytes.

Nothing of a reply is trusted: redirects are not followed, cookies are not kept, bodies are neither
inflated nor read beyond a limit, and every way of failing is a value. Where a delivery may connect
is decided in `connections.py`.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from datetime import datetime
from weakref import WeakKeyDictionary

from triggerfish.adapters.outgoing.answer import AnswerReader
from triggerfish.adapters.outgoing.connections import Connections
from triggerfish.adapters.outgoing.failure import EXCHANGE_ERRORS, failure_of
from triggerfish.adapters.outgoing.look_ups import LookUps, Resolver, SystemResolver
from triggerfish.adapters.outgoing.own_services import OwnServices
from triggerfish.adapters.outgoing.target import request_bytes, target_of
from triggerfish.domain.egress import EgressPolicy
from triggerfish.domain.exchange import (
    OutboundRequest,
    Reply,
    SendFailure,
    excerpt_of,
    parse_retry_after,
)


class HttpSender:
    """The `Sender` port. Connections belong to an event loop; `aclose` ends those of this one.

    `now` dates a `Retry-After` whose reply has no `Date`. `services` are the platform's own, closed
    to deliveries by their addresses. `resolver` and `tls` are for tests and special hosts.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        now: Callable[[], datetime],
        services: Iterable[tuple[str, int]] = (),
        resolver: Callable[[], Resolver] = SystemResolver,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._now = now
        self._services = tuple(services)
        self._resolver = resolver
        self._tls = tls or _system_tls()
        self._own: WeakKeyDictionary[asyncio.AbstractEventLoop, Connections] = WeakKeyDictionary()

    async def post(self, request: OutboundRequest) -> Reply | SendFailure:
        """Make one POST of exactly these bytes. Never raises for the endpoint's sake."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + request.timeout_seconds
        connections = self._connections(loop)
        try:
            target = target_of(request.url)
            raw = request_bytes(
                target,
                request.headers,
                request.body,
                keep_alive=connections.keeps(target.origin),
            )
            return self._reply(
                await connections.exchange(
                    target.origin, raw, deadline=deadline, project=request.project_id
                )
            )
        except EXCHANGE_ERRORS as error:
            return failure_of(error)

    async def aclose(self) -> None:
        """Close the kept connections of the running loop."""
        connections = self._own.pop(asyncio.get_running_loop(), None)
        if connections is not None:
            await connections.close()

    def _reply(self, answer: AnswerReader) -> Reply:
        assert answer.head is not None
        wait = answer.head.text(b"retry-after")
        return Reply(
            answer.head.status,
            parse_retry_after(wait, answer.head.text(b"date"), self._now()) if wait else None,
            excerpt_of(bytes(answer.body)),
        )

    def _connections(self, loop: asyncio.AbstractEventLoop) -> Connections:
        connections = self._own.get(loop)
        if connections is None:
            look_ups = LookUps(self._resolver())
            policy = OwnServices(self._policy, self._services, look_ups)
            connections = self._own[loop] = Connections(policy, look_ups, self._tls)
        return connections


def _system_tls() -> ssl.SSLContext:
    """The system's certificate authorities, so that an operator's private one counts."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
