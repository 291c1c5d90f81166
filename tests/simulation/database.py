"""The real statements on real Postgres, those of several transactions in turn, by the seed's luck.

Calls block the loop, so nothing depends on how fast Postgres answers: a run is the same each time.
Between any two statements, and around every commit, others may go on and a process may die.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Row, TextClause
from sqlalchemy.engine import make_url

import triggerfish.adapters.db as statements
from tests.simulation.sessions import SESSIONS, Crossing, Session, rows
from tests.simulation.world import Process
from triggerfish.adapters.db.engine import PLANNER
from triggerfish.adapters.db.tables import metadata
from triggerfish.domain.errors import TryLater

# Plans and the order of rows stay as they are, whatever the server does in the background.
STILL = "ALTER TABLE {} SET (autovacuum_enabled = false)"
PARTITIONS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'event_logs_archive'::regclass ORDER BY 1
"""
# Real time means nothing here: the crossing sees a deadlock at once.
NEVER = "-c deadlock_timeout=1h"
LOCK_TIMEOUT = re.compile(r"SET LOCAL lock_timeout = '(\d+)s'")
WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE)\b")


class Storage:
    """One database for many runs, one after the other."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._dsn = make_url(url).set(drivername="postgresql")
        self._reader = self._connect(self._dsn.database)
        self._observer = self._connect("postgres")  # a look from here holds nothing up there
        self._sessions = asyncio.run(self._open())
        for table in metadata.tables.values():
            if table.name != "event_logs_archive":
                self.execute(STILL.format(table.name))
        self.crossing = Crossing(self._sessions, self._observer)

    def execute(self, statement: str, values: tuple[Any, ...] | None = None) -> list[Row[Any]]:
        cursor = self._reader.execute(statement.encode(), values)
        return list(cursor.fetchall()) if cursor.description else []

    def clear(self) -> None:
        """As it was after the migration."""
        for session in self._sessions:
            assert session.is_idle, "a run left a transaction open"
        self.crossing = Crossing(self._sessions, self._observer)
        for [partition] in self.execute(PARTITIONS):
            self.execute(f"DROP TABLE {partition}")
        self.execute(f"TRUNCATE {', '.join(table for table in metadata.tables)} CASCADE")

    async def hold(self, statement: str, seconds: float) -> None:
        """A transaction of somebody else's that locks rows, and ends after so many seconds."""
        session = await self.crossing.borrow()
        try:
            session.command(b"BEGIN")
            await session.execute(statement.encode())
            await asyncio.sleep(seconds)
        finally:
            self.crossing.give_back(session)

    def close(self) -> None:
        self._reader.close()
        self._observer.close()
        for session in self._sessions:
            session.pgconn.finish()

    def _connect(self, database: str | None) -> psycopg.Connection[Row[Any]]:
        dsn = self._dsn.set(database=database).render_as_string(hide_password=False)
        return psycopg.connect(dsn, autocommit=True, options=PLANNER, row_factory=rows)

    async def _open(self) -> list[Session]:
        dsn = self._dsn.render_as_string(hide_password=False)
        return [
            await Session.connect(
                dsn,
                autocommit=True,
                prepare_threshold=0,
                options=f"{PLANNER} {NEVER}",
                row_factory=rows,
            )
            for _ in range(SESSIONS)
        ]


class SimulatedDatabase:
    """What the adapters know as `Database`, for one process."""

    def __init__(self, storage: Storage, process: Process) -> None:
        self._storage = storage
        self._process = process

    async def run(self, statement: TextClause, /, **values: Any) -> list[Row[Any]]:
        label = name_of(statement)
        await self._process.point(f"before {label}")
        self._process.outage(f"before {label}")
        async with self._session() as session:
            late = self._process.world.late_commit() if WRITES.search(statement.text) else 0.0
            if not late:
                found = await _execute(self._process, session, statement, values)
            else:
                session.command(b"BEGIN")
                found = await _execute(self._process, session, statement, values)
                try:
                    await asyncio.sleep(late)
                finally:  # Postgres goes on by itself, whoever died
                    session.command(b"COMMIT")
        await self._process.point(f"after {label}")
        self._process.outage(f"after {label}")
        return found

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["_Connection"]:
        await self._process.point("before a transaction")
        self._process.outage("before a transaction")
        async with self._session() as session:
            session.command(b"BEGIN")
            shim = _Connection(session, self._process)
            yield shim
            await self._process.point(f"before the commit after {shim.last}")
            await asyncio.sleep(self._process.world.late_commit())
            session.command(b"COMMIT")
        await self._process.point(f"after the commit of {shim.last}")
        self._process.outage(f"after the commit of {shim.last}")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["_Connection"]:
        async with self._session() as session:
            session.command(b"BEGIN ISOLATION LEVEL REPEATABLE READ")
            yield _Connection(session, self._process)
            session.command(b"COMMIT")

    async def close(self) -> None:
        """The storage is closed by whoever opened it."""

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        """A session of one's own; what is not committed when it is given back is rolled back."""
        crossing = self._storage.crossing
        session = await crossing.borrow()
        try:
            self._process.go_on()
            yield session
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self._process.world.note(self._process.name, f"IS REFUSED: {error}")
            raise TryLater("The database is not reachable; try again shortly.") from error
        finally:
            crossing.give_back(session)


class _Connection:
    """The methods of an AsyncConnection that the adapters call."""

    def __init__(self, session: Session, process: Process) -> None:
        self._session = session
        self._process = process
        self.last = "nothing"

    async def execute(self, statement: TextClause, values: dict[str, Any]) -> "_Result":
        await self._process.point(f"between {self.last} and {name_of(statement)}")
        self.last = name_of(statement)
        if limit := LOCK_TIMEOUT.fullmatch(statement.text):
            self._session.lock_timeout = float(limit[1])
            return _Result([])
        return _Result(await _execute(self._process, self._session, statement, values))

    async def get_raw_connection(self) -> "_Raw":
        return _Raw(self._session)


class _Result:
    def __init__(self, found: list[Row[Any]]) -> None:
        self._found = found
        self.returns_rows = True

    def all(self) -> list[Row[Any]]:
        return self._found


class _Raw:
    def __init__(self, session: Session) -> None:
        self.driver_connection = session


async def _execute(
    process: Process, session: Session, statement: TextClause, values: dict[str, Any]
) -> list[Row[Any]]:
    await session.crossing.turn(session)
    process.go_on()
    compiled = _compiled(statement)
    cursor = await session.execute(str(compiled).encode(), compiled.construct_params(values))
    return list(await cursor.fetchall()) if cursor.description else []


@cache
def _compiled(statement: TextClause) -> Any:
    return statement.compile(dialect=make_url("postgresql+psycopg://").get_dialect()())


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
