"""The connection pool, transactions, and the one place where driver errors become ours."""

import select
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from sqlalchemy import Row, TextClause, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from triggerfish.domain.errors import TryLater

CONNECT_TIMEOUT_SECONDS = 3
# Left alone, the kernel notices after two hours that the machine at the other end has vanished.
VANISHED = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds
}
POOL_TIMEOUT_SECONDS = 5
STATEMENT_SECONDS = 15.0
"""No statement of ours takes long: one that does waits for a lock, or reads what it should not."""
CANNOT_WRITE = {"53100": "its disk is full", "25006": "it is read-only"}
"""Why, by SQLSTATE."""
REMEMBERED_SECONDS = 30.0
"""How long a refused write counts as the database's state: nobody may have written since."""

# Every statement of ours touches a few rows by an index. The planner cannot know: the statistics of
# a table that fills and empties are always old, and it takes a JSON parameter for 100 rows, so it
# would read whole tables (measured: 3 times the CPU of an outcome, thousands of rows in the table).
PLANNER = " ".join(
    f"-c {setting}"
    for setting in (
        "plan_cache_mode=force_generic_plan",
        "enable_seqscan=off",
        "enable_bitmapscan=off",
        "enable_hashjoin=off",
        "enable_mergejoin=off",
    )
)


def _cannot_write(error: BaseException | None) -> str | None:
    """Why Postgres, which answers, could not write; None for every other error."""
    sqlstate = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return CANNOT_WRITE.get(sqlstate or "")


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn "Postgres is away or busy" into TryLater; every other driver error stays a bug."""
    try:
        yield
    except DBAPIError as error:
        if reason := _cannot_write(error):
            raise TryLater(f"The database cannot write: {reason}.", 30.0) from error
        if isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise TryLater("This took too long and was stopped; ask for less.") from error
        if isinstance(error, OperationalError | InterfaceError):
            raise TryLater("The database is not reachable; try again shortly.") from error
        if error.connection_invalidated:
            raise TryLater("The database went away; try again shortly.") from error
        raise
    except PoolTimeout as error:
        raise TryLater("The database is not reachable; try again shortly.") from error


class Database:
    """A pool of Postgres connections: single statements autocommit, several share a transaction."""

    def __init__(
        self, url: str, *, pool_size: int, statement_seconds: float = STATEMENT_SECONDS
    ) -> None:
        self._refusal: str | None = None
        self._refused_at = -REMEMBERED_SECONDS
        # Autocommit is set once a connection; nothing needs to be rolled back at its return.
        self._engine = create_async_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_SECONDS,
            pool_reset_on_return=None,
            hide_parameters=True,  # an error that is logged names no payload and no secret
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                "options": f"{PLANNER} -c statement_timeout={statement_seconds * 1000:.0f}",
                **VANISHED,
            },
        )
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)
        self._transactions = self._engine.execution_options(isolation_level="READ COMMITTED")
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ")

    async def run(self, statement: TextClause, /, **values: Any) -> list[Row[Any]]:
        """Execute one statement in a transaction of its own and return its rows (or none)."""
        with self._noting_refused_writes():
            async with self._engine.connect() as connection:
                return await fetch(connection, statement, values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: commits when the block ends, rolls back when it raises."""
        with self._noting_refused_writes():
            async with self._transactions.begin() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Several reads that see the same instant."""
        with self._noting_refused_writes():
            async with self._snapshots.begin() as connection:
                yield connection

    def refused_write(self) -> str | None:
        """Why Postgres could not write of late; None while nothing was refused."""
        is_fresh = time.monotonic() - self._refused_at < REMEMBERED_SECONDS
        return self._refusal if is_fresh else None

    @contextmanager
    def _noting_refused_writes(self) -> Iterator[None]:
        try:
            with database_errors():
                yield
        except TryLater as error:
            if _cannot_write(error.__cause__):
                self._refusal, self._refused_at = error.message, time.monotonic()
            raise

    async def close(self) -> None:
        await self._engine.dispose()


def _refuse_closed(connection: Any, record: object, proxy: object) -> None:
    """Have the pool replace a connection that the server closed while it was idle.

    An idle connection has nothing to read but the end. Looking costs microseconds, where a ping
    for every statement would cost a round trip.
    """
    look = select.poll()
    look.register(connection.driver_connection.fileno(), select.POLLIN)
    if look.poll(0):
        raise DisconnectionError("closed by the server")


async def fetch(
    connection: AsyncConnection, statement: TextClause, values: dict[str, Any]
) -> list[Row[Any]]:
    """Execute on a given connection; the rows, or an empty list for a statement without any."""
    result = await connection.execute(statement, values)
    return list(result.all()) if result.returns_rows else []


async def copy_rows(
    connection: AsyncConnection, statement: str, rows: Iterable[tuple[object, ...]]
) -> None:
    """Run a `COPY … FROM STDIN` on a given connection, within its transaction."""
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    try:
        async with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                await copy.write_row(row)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise TryLater("The database went away; try again shortly.") from error
