"""Find out who calls, and note that a key is in use without making its caller wait."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal, StoredKey, authenticate, key_prefix
from triggerfish.ports import Clock


class KeyFinder(Protocol):
    async def find(self, prefix: str) -> StoredKey | None: ...


class Usage(Protocol):
    def note(self, key: StoredKey, *, now: datetime) -> None:
        """Remember that a key was used; returns at once."""
        ...


class Rates(Protocol):
    def take(self, id: UUID) -> None:
        """Count a request of that project. Raises TooManyRequests."""
        ...


@dataclass(frozen=True, slots=True)
class AuthenticateDeps:
    clock: Clock
    keys: KeyFinder
    usage: Usage
    rates: Rates


async def find_caller(key: str, d: AuthenticateDeps) -> Principal | None:
    """The caller behind an API key, None when it is not valid. Raises TooManyRequests.

    Unknown, wrong, revoked and expired keys take the same path: one look-up, one comparison.
    """
    stored = await d.keys.find(key_prefix(key))
    now = d.clock.now()
    principal = authenticate(key, stored, now)
    if principal is not None and stored is not None:
        d.rates.take(stored.project_id)  # more keys do not buy a project more requests
        d.usage.note(stored, now=now)
    return principal
