"""Connections to endpoints: made only where the egress policy permits, kept for busy hosts.

The policy is asked twice: of all addresses that a name leads to, as one bad address refuses the
name; and of each address right before the connect. Nothing is resolved in between, so a name that
changes its mind gains nothing.
"""

import asyncio
import contextlib
import socket
import ssl
from collections import OrderedDict, deque
from collections.abc import Hashable
from ipaddress import ip_address
from typing import Any

from aiohappyeyeballs import start_connection

from triggerfish.adapters.outgoing.answer import AnswerReader
from triggerfish.adapters.outgoing.connection import Connection
from triggerfish.adapters.outgoing.look_ups import LookUps, Unresolved
from triggerfish.adapters.outgoing.own_services import OwnServices
from triggerfish.adapters.outgoing.target import Origin

IDLE_SECONDS = 4.0  # below the 5 s after which common servers drop an idle connection
KEPT_HOSTS = 128
KEPT_OF_ONE = 64
STALE_CONNECTIONS = 3  # how many kept connections may turn out dead before a post fails
OTHER_FAMILY_SECONDS = 0.25  # RFC 8305: how long IPv6 has a head start
FAREWELL_SECONDS = 1.0  # how long an endpoint has to end TLS


class DestinationBlocked(OSError):
    """An address the policy refuses; `reason` says why, and not which address it is."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Connections:
    """The connections of one event loop."""

    def __init__(self, policy: OwnServices, look_ups: LookUps, tls: ssl.SSLContext) -> None:
        self._policy = policy
        self._look_ups = look_ups
        self._tls = tls
        self._idle: OrderedDict[Origin, deque[Connection]] = OrderedDict()

    def keeps(self, origin: Origin) -> bool:
        """Whether a connection there is worth keeping: one was made lately.

        Only busy hosts keep theirs: thousands of rare ones would use up the sockets.
        """
        known = origin in self._idle
        self._idle.setdefault(origin, deque())
        self._idle.move_to_end(origin)
        if len(self._idle) > KEPT_HOSTS:
            _, forgotten = self._idle.popitem(last=False)
            for connection in forgotten:
                connection.close()
        return known

    async def exchange(
        self, origin: Origin, request: bytes, *, deadline: float, project: Hashable
    ) -> AnswerReader:
        """Send; again when a kept connection was already dead (the receiver tires of idling).

        A repeat is safe, deliveries carry their id. A fresh connection that dies is a failure.
        """
        for _ in range(STALE_CONNECTIONS):
            kept = self._take(origin)
            if kept is None:
                break
            try:
                return await self._exchange_on(kept, origin, request, deadline)
            except (ConnectionError, ssl.SSLError):
                if not kept.heard_nothing:
                    raise
        fresh = await self._connect(origin, deadline, project)
        return await self._exchange_on(fresh, origin, request, deadline)

    async def close(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()
        await self._look_ups.close()

    async def _exchange_on(
        self, connection: Connection, origin: Origin, request: bytes, deadline: float
    ) -> AnswerReader:
        answer = await connection.exchange(request, deadline=deadline)
        if connection.is_usable:
            self._keep(origin, connection)
        return answer

    def _keep(self, origin: Origin, connection: Connection) -> None:
        kept = self._idle.get(origin)
        if kept is None or len(kept) >= KEPT_OF_ONE:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        if not kept:
            loop.call_later(IDLE_SECONDS, self._drop_idle, origin)
        kept.append(connection)

    def _take(self, origin: Origin) -> Connection | None:
        """The connection that was used last."""
        kept = self._idle.get(origin)
        while kept:
            connection = kept.pop()
            if connection.is_usable:
                return connection
        return None

    def _drop_idle(self, origin: Origin) -> None:
        loop = asyncio.get_running_loop()
        kept = self._idle.get(origin)
        while kept and kept[0].idle_since <= loop.time() - IDLE_SECONDS:
            kept.popleft().close()
        if kept:
            wait = kept[0].idle_since + IDLE_SECONDS
            loop.call_at(wait, self._drop_idle, origin)

    async def _connect(self, origin: Origin, deadline: float, project: Hashable) -> Connection:
        async with asyncio.timeout_at(deadline):
            await self._policy.refresh()
        addresses = await self._addresses(origin, deadline, project)
        for address in addresses:
            self._refuse_blocked(address, origin.port)
        async with asyncio.timeout_at(deadline):
            sock = await self._connected([_info(address, origin.port) for address in addresses])
            return await self._connection_on(sock, origin)

    async def _addresses(self, origin: Origin, deadline: float, project: Hashable) -> list[str]:
        try:
            async with asyncio.timeout_at(deadline):
                return list(await self._look_ups.addresses(origin.host, project))
        except TimeoutError as error:
            raise Unresolved from error

    async def _connected(self, addresses: list[Any]) -> socket.socket:
        try:
            return await start_connection(
                addresses,
                happy_eyeballs_delay=OTHER_FAMILY_SECONDS,
                socket_factory=self._guarded_socket,
            )
        except RuntimeError as error:  # uvloop raises it for some refusals
            raise OSError("no connection") from error

    def _guarded_socket(self, info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        self._refuse_blocked(address[0], address[1])
        return socket.socket(family, kind, protocol)

    def _refuse_blocked(self, address: str, port: int) -> None:
        if reason := self._policy.refusal(address, port):
            raise DestinationBlocked(reason)

    async def _connection_on(self, sock: socket.socket, origin: Origin) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            if not origin.tls:
                return (await loop.create_connection(Connection, sock=sock))[1]
            _, connection = await loop.create_connection(
                Connection,
                sock=sock,
                ssl=self._tls,
                server_hostname=origin.host.rstrip("."),
                ssl_shutdown_timeout=FAREWELL_SECONDS,
            )
        except BaseException:
            with contextlib.suppress(OSError):
                sock.close()  # if the event loop has not taken it yet
            raise
        return connection


def _info(address: str, port: int) -> tuple[Any, ...]:
    if ip_address(address).version == 6:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)
