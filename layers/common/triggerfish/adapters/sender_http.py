"""Posts deliveries over HTTP: the httpx API on aiohttp sockets, inside one wall-clock deadline.

Nothing of a reply is trusted: redirects are not followed, cookies are not kept, bodies are neither
inflated nor read beyond `READ_LIMIT_BYTES`, and every way of failing is a value. Where a delivery
may connect is decided in `guarded_transport.py`.
"""

import asyncio
import ssl
from collections.abc import AsyncIterable, Callable, Iterable
from datetime import datetime
from functools import lru_cache
from importlib import metadata
from typing import cast
from weakref import WeakKeyDictionary

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver

from triggerfish.adapters.exchange_failure import failure_of
from triggerfish.adapters.guarded_transport import GuardedTransport, SystemResolver
from triggerfish.domain.egress import EgressPolicy
from triggerfish.domain.exchange import (
    OutboundRequest,
    Reply,
    SendFailure,
    excerpt_of,
    parse_retry_after,
)

READ_LIMIT_BYTES = 16 * 1024

# What the endpoint, its URL or its network can do wrong. Anything else is our own bug: let it show.
EXCHANGE_ERRORS = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError)


def user_agent() -> str:
    """`Triggerfish/<version>` of the installed package."""
    try:
        return f"Triggerfish/{metadata.version('triggerfish')}"
    except metadata.PackageNotFoundError:  # a layer unpacked without its metadata
        return "Triggerfish/0"


class HttpSender:
    """The `Sender` port. One session per event loop, made on first use; `aclose` ends this loop's.

    `now` dates a `Retry-After` whose reply has no `Date`. `services` are the platform's own, closed
    to deliveries by their addresses. `resolver`, `tls` and `transport` are for
    tests and special hosts; a given `transport` takes the place of the guarded one.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        now: Callable[[], datetime],
        services: Iterable[tuple[str, int]] = (),
        resolver: Callable[[], AbstractResolver] = SystemResolver,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._policy = policy
        self._now = now
        self._services = tuple(services)
        self._resolver = resolver
        self._tls = tls or _system_tls()
        self._given = transport
        self._own: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncBaseTransport] = (
            WeakKeyDictionary()
        )
        self._defaults = {
            "content-type": "application/json",
            "accept": "*/*",
            "accept-encoding": "identity",  # the excerpt is kept as it came
        }
        self._user_agent = user_agent()

    async def post(self, request: OutboundRequest) -> Reply | SendFailure:
        """Make one POST of exactly these bytes. Never raises for the endpoint's sake.

        A reply that breaks off or outlives `timeout_seconds` is a failure whatever its status said;
        one that is only longer than the limit is a reply, and its connection is closed.
        """
        try:
            async with asyncio.timeout(request.timeout_seconds):
                return await self._exchange(self._prepare(request))
        except EXCHANGE_ERRORS as error:
            return failure_of(error)

    async def aclose(self) -> None:
        """Close the kept connections of the running loop."""
        transport = self._own.pop(asyncio.get_running_loop(), None)
        if transport is not None:
            await transport.aclose()

    def _prepare(self, request: OutboundRequest) -> httpx.Request:
        headers = {name.lower(): value for name, value in request.headers.items()}
        return httpx.Request(
            "POST",
            _url(request.url),
            headers=self._defaults | headers | {"user-agent": self._user_agent},
            content=request.body,
        )

    async def _exchange(self, request: httpx.Request) -> Reply:
        response = await self._transport().handle_async_request(request)
        try:
            raw = await _read(cast(AsyncIterable[bytes], response.stream))
        finally:
            await response.aclose()
        headers = response.headers
        wait = headers.get("retry-after")
        return Reply(
            response.status_code,
            parse_retry_after(wait, headers.get("date"), self._now()) if wait else None,
            excerpt_of(raw),
        )

    def _transport(self) -> httpx.AsyncBaseTransport:
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        transport = self._own.get(loop)
        if transport is None:
            transport = GuardedTransport(self._policy, self._resolver(), self._tls, self._services)
            self._own[loop] = transport
        return transport


async def _read(stream: AsyncIterable[bytes]) -> bytes:
    raw = bytearray()
    async for chunk in stream:
        raw += chunk
        if len(raw) >= READ_LIMIT_BYTES:
            break
    return bytes(raw[:READ_LIMIT_BYTES])


@lru_cache(maxsize=1024)
def _url(text: str) -> httpx.URL:
    return httpx.URL(text)  # parsing costs more than all else here, and endpoints repeat


def _system_tls() -> ssl.SSLContext:
    """The system's certificate authorities, so that an operator's private one counts."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
