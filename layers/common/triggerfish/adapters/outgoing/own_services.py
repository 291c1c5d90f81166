"""The platform's own Postgres and queue: no delivery reaches them, whatever else is open.

What `EGRESS_ALLOW` opens is closed again by port (see `EgressPolicy`); this closes the very
addresses, public ones too, by looking up the services' own names now and then.
"""

import asyncio
from collections.abc import Iterable

from triggerfish.adapters.outgoing.look_ups import LookUps
from triggerfish.domain.egress import NEVER_OPEN, Address, EgressPolicy, parse_destination

REFRESH_SECONDS = 60.0


class OwnServices:
    """An egress policy less the addresses of `services` (names or addresses, with their ports)."""

    def __init__(
        self, policy: EgressPolicy, services: Iterable[tuple[str, int]], look_ups: LookUps
    ) -> None:
        self._policy = policy
        self._services = tuple(services)
        self._look_ups = look_ups
        self._own: dict[tuple[str, int], frozenset[tuple[Address, int]]] = {}
        self._fresh_until = 0.0
        self._refreshing: asyncio.Task[None] | None = None

    def refusal(self, address: str, port: int) -> str | None:
        """Why a delivery may not connect there, None if it may; `refresh` comes before."""
        own = NEVER_OPEN if self._is_own(address, port) else None
        return own or self._policy.refusal(address, port)

    def _is_own(self, address: str, port: int) -> bool:
        destination = (parse_destination(address), port)
        return any(destination in addresses for addresses in self._own.values())

    async def refresh(self) -> None:
        """Look the services up, now and then; a name that fails keeps what it led to.

        The look-up is shared, and goes on when one who waits for it runs out of time.
        """
        if not self._services or asyncio.get_running_loop().time() < self._fresh_until:
            return
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._look_all_up())
        await asyncio.shield(self._refreshing)

    async def _look_all_up(self) -> None:
        try:
            await asyncio.gather(*(self._look_up(*service) for service in self._services))
            self._fresh_until = asyncio.get_running_loop().time() + REFRESH_SECONDS
        finally:
            self._refreshing = None

    async def _look_up(self, host: str, port: int) -> None:
        try:
            answers = await self._look_ups.addresses(host, project=None)
        except OSError:
            return
        found = {parse_destination(answer) for answer in answers}
        self._own[host, port] = frozenset((one, port) for one in found if one is not None)
