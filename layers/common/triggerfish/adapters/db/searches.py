"""Reads that may have to look at much: few at once, cut off in time, on connections of their own.

However many somebody starts, other tenants' statements never wait for them: they share no pool.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause

from triggerfish.adapters.db.engine import Database
from triggerfish.domain.errors import TooManyRequests

CONNECTIONS = 4
AT_ONCE = 2
"""Of one project, or of all who need no key: half of the connections."""
WAITING = 50
SECONDS = 2.0
"""How long one statement takes at most, and how long a search waits for its place."""


@dataclass
class _Line:
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    waiting: int = 0
    held: int = 0


class Searches:
    """Places for searches. A project has its own, the public (None) has its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lines: dict[UUID | None, _Line] = {}

    @asynccontextmanager
    async def place(self, owner: UUID | None) -> AsyncIterator[Database]:
        """Search while the block lasts, after waiting for a place. Raises TooManyRequests."""
        line = self._lines.setdefault(owner, _Line())
        try:
            await _wait(line)
            line.held += 1
            try:
                yield self._database
            finally:
                line.held -= 1
                line.places.release()
        finally:
            if not line.held and not line.waiting:
                self._lines.pop(owner, None)

    async def run(
        self, owner: UUID | None, statement: TextClause, /, **values: Any
    ) -> list[Row[Any]]:
        """One statement in a place. Raises TooManyRequests and TryLater."""
        async with self.place(owner) as database:
            return await database.run(statement, **values)

    async def close(self) -> None:
        await self._database.close()


async def _wait(line: _Line) -> None:
    if line.waiting >= WAITING:
        raise _too_many()
    line.waiting += 1
    try:
        async with asyncio.timeout(SECONDS):
            await line.places.acquire()
    except TimeoutError:
        raise _too_many() from None
    finally:
        line.waiting -= 1


def _too_many() -> TooManyRequests:
    return TooManyRequests("Too many searches run at once; try again shortly.", 1.0)
