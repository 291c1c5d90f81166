"""Changes of jobs as they happen: one LISTEN connection of a process for all its watchers.

A notification is a hint to read the row. Whoever watches is woken, too, when the connection comes
up, and after a while without any: what a lost connection did not tell is seen then.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import make_url

from triggerfish.adapters.db.engine import CONNECT_TIMEOUT_SECONDS
from triggerfish.adapters.db.jobs import CHANNEL

QUIET_SECONDS = 15.0
"""How long a watcher waits at most; often enough to keep connections through proxies alive."""
RECONNECT_SECONDS = 1.0

log = structlog.get_logger()


class JobChanges:
    """Listens as long as anybody watches."""

    def __init__(self, database_url: str) -> None:
        url = make_url(database_url).set(drivername="postgresql")
        self._conninfo = url.render_as_string(hide_password=False)
        self._watchers: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def watch(self, job_id: UUID) -> AsyncIterator[Callable[[timedelta], Awaitable[None]]]:
        """Gives a function that waits until the job may have changed since its last call.

        It waits as long as it is told, and no longer than QUIET_SECONDS.
        """
        event = asyncio.Event()
        self._watchers[job_id].add(event)
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen())
        try:
            yield lambda at_most: _wait(event, min(at_most.total_seconds(), QUIET_SECONDS))
        finally:
            self._watchers[job_id].discard(event)
            if not self._watchers[job_id]:
                del self._watchers[job_id]
            if not self._watchers:
                self._stop()

    @property
    def watchers(self) -> int:
        """How many there are now."""
        return sum(len(events) for events in self._watchers.values())

    async def close(self) -> None:
        """Hang up, whoever still watches."""
        listener = self._listener
        self._stop()
        if listener is not None:
            await asyncio.wait({listener})

    def _stop(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            self._listener = None

    async def _listen(self) -> None:
        while True:
            try:
                await self._pass_on()
            except psycopg.Error as error:
                log.warning("job_changes_lost", error=str(error))
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _pass_on(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._conninfo, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            for events in self._watchers.values():
                _wake(events)
            async for change in connection.notifies():
                with suppress(ValueError):  # anybody with the database may notify
                    _wake(self._watchers.get(UUID(change.payload), set()))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()


def _wake(events: set[asyncio.Event]) -> None:
    for event in events:
        event.set()
