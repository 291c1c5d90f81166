"""An HTTP transport that connects only where the egress policy permits.

The policy is asked twice. The resolver judges all answers for a name and refuses the name if one
is bad; aiohttp alone would skip the bad address and try the next. The socket factory judges each
address right before the connect, which is the only place that sees literals. Nothing is resolved
again in between, so a name that changes its mind gains nothing.
"""

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

from triggerfish.adapters.own_services import OwnServices
from triggerfish.domain.egress import EgressPolicy

DNS_SECONDS = 5.0
DNS_THREADS = 32  # getaddrinfo cannot be cancelled; dead name servers must not hold up live ones
IDLE_SECONDS = 4.0  # below the 5 s after which common servers drop an idle connection
READ_BUFFER_BYTES = 16 * 1024

KEPT_HOSTS = 128
STALE_CONNECTIONS = 3  # how many kept connections may turn out dead before a post fails
HUNG_UP = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)

# Whether the request of this task went out on a kept connection; a trace tells.
_reused: ContextVar[bool] = ContextVar("reused_connection", default=False)


class DestinationBlocked(OSError):
    """An address the policy refuses. An OSError, so aiohttp treats it as a failed connect."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)  # says why; which address it is, is nobody's business
        self.reason = reason


class SystemResolver(AbstractResolver):
    """getaddrinfo in threads of its own, so that slow name servers do not starve other work."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(DNS_THREADS, thread_name_prefix="dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        def look_up() -> list[ResolveResult]:
            answers = socket.getaddrinfo(
                host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
            )
            return [_result(host, port, *answer) for answer in answers]

        return await asyncio.get_running_loop().run_in_executor(self._threads, look_up)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class GuardedResolver(AbstractResolver):
    """Asks `inner` within `DNS_SECONDS`; one refused answer refuses the name."""

    def __init__(self, policy: OwnServices, inner: AbstractResolver) -> None:
        self._policy = policy
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            async with asyncio.timeout(DNS_SECONDS):
                answers = await self._inner.resolve(host, port, family)
        except (TimeoutError, UnicodeError) as error:  # a label over 63 characters: UnicodeError
            raise socket.gaierror(socket.EAI_AGAIN, "no answer") from error
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        for answer in answers:
            reason = self._policy.refusal(answer["host"], port)
            if reason:
                raise DestinationBlocked(reason)
        return answers

    async def close(self) -> None:
        await self._inner.close()


class GuardedTransport(AiohttpTransport):
    """An httpx transport on a guarded session; belongs to the event loop it was made in."""

    def __init__(
        self,
        policy: EgressPolicy,
        resolver: AbstractResolver,
        tls: ssl.SSLContext,
        services: Iterable[tuple[str, int]] = (),
    ) -> None:
        self._policy = OwnServices(policy, services, resolver)
        session = guarded_session(self._policy, resolver, tls)
        super().__init__(verify=tls, trust_env=False, client=session)
        self._resolver = resolver
        self._recent: OrderedDict[bytes, None] = OrderedDict()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send; again when a kept connection was already dead (the receiver tires of idling).

        A repeat is safe, deliveries carry their id. A fresh connection that dies is a failure.
        """
        await self._policy.refresh()
        if not self._posted_recently(request.url.netloc):
            request.headers["connection"] = "close"
        for _ in range(STALE_CONNECTIONS):
            _reused.set(False)
            try:
                return await super().handle_async_request(request)
            except httpx.TransportError as error:
                if not (_reused.get() and isinstance(error.__cause__, HUNG_UP)):
                    raise
        return await super().handle_async_request(request)

    async def aclose(self) -> None:
        await super().aclose()
        await self._resolver.close()

    def _posted_recently(self, host: bytes) -> bool:
        """Connections are kept for busy hosts only: thousands of rare ones would use up sockets."""
        known = host in self._recent
        self._recent[host] = None
        self._recent.move_to_end(host)
        if len(self._recent) > KEPT_HOSTS:
            self._recent.popitem(last=False)
        return known


def guarded_session(
    policy: OwnServices, resolver: AbstractResolver, tls: ssl.SSLContext
) -> aiohttp.ClientSession:
    """A session for one event loop: no cookies, no proxy or .netrc, no limits of its own.

    A limit here would let deliveries wait inside their own deadline; how many run at once is the
    caller's business. Idle connections are bounded by `IDLE_SECONDS` and `KEPT_HOSTS`.
    """
    connector = aiohttp.TCPConnector(
        resolver=GuardedResolver(policy, resolver),
        socket_factory=_socket_factory(policy),
        ssl=tls,
        keepalive_timeout=IDLE_SECONDS,
        limit=0,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        read_bufsize=READ_BUFFER_BYTES,
        timeout=aiohttp.ClientTimeout(total=None),
        trace_configs=[_note_reuse()],
    )


def _socket_factory(policy: OwnServices) -> Callable[[Any], socket.socket]:
    def guarded_socket(info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        reason = policy.refusal(address[0], address[1])
        if reason:
            raise DestinationBlocked(reason)
        return socket.socket(family, kind, protocol)

    return guarded_socket


def _note_reuse() -> aiohttp.TraceConfig:
    async def note(_session: object, _context: SimpleNamespace, _params: object) -> None:
        _reused.set(True)

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_reuseconn.append(note)
    return tracing


def _result(
    host: str, port: int, family: int, _kind: int, protocol: int, _name: str, address: Any
) -> ResolveResult:
    scope = f"%{address[3]}" if len(address) == 4 and address[3] else ""
    return ResolveResult(
        hostname=host,
        host=address[0] + scope,
        port=port,
        family=family,
        proto=protocol,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
