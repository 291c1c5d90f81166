"""The real statements on real Postgres, one at a time, with a chance to die around every commit.

Calls block the loop, so nothing depends on how fast Postgres answers: a run is the same each time.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Row, TextClause, create_engine

import triggerfish.adapters.db as statements
from tests.simulation.world import Process
from triggerfish.adapters.db.engine import PLANNER
from triggerfish.adapters.db.tables import metadata

# Plans and the order of rows stay as they are, whatever the server does in the background.
STILL = "ALTER TABLE {} SET (autovacuum_enabled = false)"
PARTITIONS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'event_logs_archive'::regclass ORDER BY 1
"""


class Storage:
    """One database for many runs, one after the other."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: Engine = create_engine(
            url,
            pool_size=1,
            max_overflow=0,
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            connect_args={"options": PLANNER},
        )
        self.transactions = self.engine.execution_options(isolation_level="READ COMMITTED")
        for table in metadata.tables.values():
            if table.name != "event_logs_archive":
                self.execute(STILL.format(table.name))

    def execute(self, statement: str, values: tuple[Any, ...] | None = None) -> list[Row[Any]]:
        with self.engine.connect() as connection:
            result = connection.exec_driver_sql(statement, values)
            return list(result.all()) if result.returns_rows else []

    def clear(self) -> None:
        """As it was after the migration."""
        for [partition] in self.execute(PARTITIONS):
            self.execute(f"DROP TABLE {partition}")
        self.execute(f"TRUNCATE {', '.join(table for table in metadata.tables)} CASCADE")

    def close(self) -> None:
        self.engine.dispose()


class SimulatedDatabase:
    """What the adapters know as `Database`, for one process."""

    def __init__(self, storage: Storage, process: Process) -> None:
        self._storage = storage
        self._process = process

    async def run(self, statement: TextClause, /, **values: Any) -> list[Row[Any]]:
        label = name_of(statement)
        await self._process.point(f"before {label}")
        self._process.outage(f"before {label}")
        with self._storage.engine.connect() as connection:
            result = connection.execute(statement, values)
            rows = list(result.all()) if result.returns_rows else []
        await self._process.point(f"after {label}")
        self._process.outage(f"after {label}")
        return rows

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["_Connection"]:
        await self._process.point("before a transaction")
        self._process.outage("before a transaction")
        with self._storage.transactions.connect() as connection, connection.begin() as transaction:
            shim = _Connection(connection)
            yield shim
            dies = self._process.world.chance(self._process.world.crash_rate)
            if dies:
                transaction.rollback()
            else:
                transaction.commit()
        if dies:
            self._process.world.note(self._process.name, f"DIES before the commit of {shim.last}")
            await self._process.die()
        await self._process.point(f"after the commit of {shim.last}")
        self._process.outage(f"after the commit of {shim.last}")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["_Connection"]:
        with self._storage.transactions.connect() as connection, connection.begin():
            yield _Connection(connection)

    async def close(self) -> None:
        """The storage is closed by whoever opened it."""


class _Connection:
    """The methods of an AsyncConnection that the adapters call."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.last = "nothing"

    async def execute(self, statement: TextClause, values: dict[str, Any]) -> CursorResult[Any]:
        self.last = name_of(statement)
        return self._connection.execute(statement, values)

    async def get_raw_connection(self) -> "_Driver":
        return _Driver(self._connection)


class _Driver:
    """As much of psycopg's AsyncConnection as `COPY … FROM STDIN` takes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def driver_connection(self) -> "_Driver":
        return self

    @asynccontextmanager
    async def cursor(self) -> AsyncIterator["_Driver"]:
        yield self

    @asynccontextmanager
    async def copy(self, statement: str) -> AsyncIterator["_Copy"]:
        driver: Any = self._connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            yield _Copy(copy)


class _Copy:
    def __init__(self, copy: Any) -> None:
        self._copy = copy

    async def write_row(self, row: tuple[object, ...]) -> None:
        self._copy.write_row(row)


def name_of(statement: TextClause) -> str:
    return _names().get(id(statement), "a statement")


@cache
def _names() -> dict[int, str]:
    """The statements by the names that they have in their modules."""
    names = {}
    for path in sorted(Path(statements.__path__[0]).glob("*.py")):
        module = import_module(f"{statements.__name__}.{path.stem}")
        for name, value in vars(module).items():
            several = value.values() if isinstance(value, dict) else [value]
            for one in several:
                if isinstance(one, TextClause):
                    names[id(one)] = f"{path.stem}.{name}"
    return names
