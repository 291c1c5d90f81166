"""Names to addresses, without threads: look-ups are shared, remembered for a moment, and bounded.

A name server that does not answer holds a look-up for `LOOK_UP_SECONDS`. So that a project with
many such names delays only itself, each project has a number of look-ups at a time of its own.
"""

import asyncio
import ipaddress
from collections.abc import Hashable, Sequence
from typing import Any, Protocol
from weakref import WeakValueDictionary

import aiodns
from cachetools import TTLCache

LOOK_UP_SECONDS = 5.0
TRIES, TRY_SECONDS = 3, 1.0  # each further try waits twice as long
CLOSE_SECONDS = 1.0
AT_ONCE = 32  # of one project
REMEMBERED, REMEMBERED_SECONDS = 1_000, 10.0


class Unresolved(OSError):
    """A name that leads to no address, or got no answer in time."""

    def __init__(self) -> None:
        super().__init__("name not resolved")


class Resolver(Protocol):
    """Looks one name up; the real one asks name servers, those of tests answer as they are told."""

    async def resolve(self, host: str) -> Sequence[str]:
        """The addresses. Raises OSError."""
        ...

    async def close(self) -> None: ...


class SystemResolver:
    """Asks the hosts file and the name servers of /etc/resolv.conf; made within an event loop."""

    def __init__(self, **options: Any) -> None:
        self._dns = aiodns.DNSResolver(tries=TRIES, timeout=TRY_SECONDS, **options)
        self._open: set[asyncio.Future[Any]] = set()

    async def resolve(self, host: str) -> Sequence[str]:
        look = self._dns.getaddrinfo(host)
        self._open.add(look)
        look.add_done_callback(self._open.discard)
        try:
            found = await asyncio.shield(look)  # it cannot be cancelled alone
        except aiodns.error.DNSError as error:
            raise Unresolved from error
        return [_text(node.addr) for node in found.nodes]

    async def close(self) -> None:
        """End all look-ups, and wait for them: their answers come to this event loop."""
        await self._dns.close()
        if self._open:
            await asyncio.wait(self._open, timeout=CLOSE_SECONDS)


class LookUps:
    """Looks names up for the projects of one event loop."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: TTLCache[str, Sequence[str]] = TTLCache(REMEMBERED, REMEMBERED_SECONDS)
        self._under_way: dict[str, asyncio.Task[Sequence[str]]] = {}
        self._turns: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    async def addresses(self, host: str, project: Hashable) -> Sequence[str]:
        """Where a name leads; an address leads to itself. Raises OSError, never an empty answer."""
        if _is_address(host):
            return [host]
        known = self._known.get(host)
        return known if known is not None else await self._shared(host, project)

    async def close(self) -> None:
        await self._resolver.close()

    async def _shared(self, host: str, project: Hashable) -> Sequence[str]:
        look = self._under_way.get(host)
        if look is None:
            turns = self._turns.setdefault(project, asyncio.Semaphore(AT_ONCE))
            await turns.acquire()
            look = self._under_way.get(host)
            if look is None:
                look = self._begin(host)
            look.add_done_callback(lambda _: turns.release())
        return await asyncio.shield(look)  # it goes on for the others when one of them gives up

    def _begin(self, host: str) -> asyncio.Task[Sequence[str]]:
        look = asyncio.get_running_loop().create_task(self._look_up(host))
        self._under_way[host] = look
        look.add_done_callback(lambda ended: self._end(host, ended))
        return look

    def _end(self, host: str, look: "asyncio.Task[Sequence[str]]") -> None:
        del self._under_way[host]
        if not look.cancelled() and look.exception() is None:
            self._known[host] = look.result()

    async def _look_up(self, host: str) -> Sequence[str]:
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                found = await self._resolver.resolve(host)
        except (OSError, UnicodeError) as error:
            raise Unresolved from error
        if not found:
            raise Unresolved
        return found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _text(address: tuple[bytes, *tuple[int, ...]]) -> str:
    """An address as text, with its scope if it has one, so that the policy sees and refuses it."""
    scope = f"%{address[3]}" if len(address) == 4 and address[3] else ""
    return address[0].decode() + scope
