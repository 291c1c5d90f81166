"""Databases for tests, migrated and empty: one that a test is done with is emptied and lent again.

A copy of the template costs ten times as much as emptying one. A database whose schema, functions,
settings or statistics are no longer the template's is dropped instead.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Self
from uuid import uuid4

import psycopg
from psycopg import sql

from local.services.postgres import Postgres
from triggerfish.adapters.db.migrate import upgrade
from triggerfish.adapters.db.tables import metadata

TEMPLATE = "triggerfish_template"
STATE = """
    WITH kept AS (
        SELECT oid, relname, reloptions FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND NOT relispartition
    )
    SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
        SELECT format('class %s %s %s', oid, relname, reloptions) AS line FROM kept
        UNION ALL
        SELECT format('column %s %s %s', attrelid, attnum, a.xmin)
          FROM pg_attribute a JOIN kept ON kept.oid = attrelid
        UNION ALL
        SELECT format('index %s %s', indexrelid, i.xmin)
          FROM pg_index i JOIN kept ON kept.oid = indexrelid
        UNION ALL
        SELECT format('constraint %s %s', c.oid, c.xmin)
          FROM pg_constraint c JOIN kept ON kept.oid = conrelid
        UNION ALL
        SELECT format('trigger %s %s', t.oid, t.xmin)
          FROM pg_trigger t JOIN kept ON kept.oid = tgrelid
        UNION ALL
        SELECT format('statistics %s %s', starelid, staattnum)
          FROM pg_statistic JOIN kept ON kept.oid = starelid
        UNION ALL
        SELECT format('function %s %s', oid, xmin) FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace
        UNION ALL
        SELECT format('setting %s', setconfig)
          FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase
         WHERE datname = current_database()
        UNION ALL
        SELECT format('version %s', version_num) FROM alembic_version
    ) AS lines
"""
CONNECTIONS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s
"""
PARTITIONS = """
    SELECT oid::regclass::text FROM pg_class
     WHERE relispartition AND relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
FILLED = " UNION ALL ".join(
    f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in metadata.tables
)


class Databases:
    """Lends databases of one server; `Databases(...)` makes the template, `close` is for its end."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._server = psycopg.connect(postgres.dsn("postgres"), autocommit=True)
        self._free: list[str] = []
        self.run("CREATE DATABASE {}", TEMPLATE)
        upgrade(postgres.url(TEMPLATE))
        with closing(self._connect(TEMPLATE)) as connection:
            self._state = state(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The URL of a database while the block lasts: under a new name, so no cache knows it."""
        name = f"test_{uuid4().hex}"
        if self._free:
            used = self._free.pop()
            self._disconnect(used)
            self.run("ALTER DATABASE {} RENAME TO {}", used, name)
        else:
            self.run("CREATE DATABASE {} TEMPLATE {}", name, TEMPLATE)
        yield self._postgres.url(name)
        self._disconnect(name)
        if self._is_emptied(name):
            self._free.append(name)
        else:
            self.run("DROP DATABASE {} WITH (FORCE)", name)

    def run(self, statement: str, *names: str) -> None:
        """A statement of the server's about databases of these names."""
        self._server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _disconnect(self, name: str) -> None:
        """End all connections to it, and wait until they have ended."""
        self._server.execute(CONNECTIONS, (name,))

    def _connect(self, name: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self._postgres.dsn(name), autocommit=True)

    def _is_emptied(self, name: str) -> bool:
        """Whether it is as the template again."""
        with closing(self._connect(name)) as connection:
            if state(connection) != self._state:
                return False
            empty(connection)
            return True


def state(connection: psycopg.Connection[Any]) -> str | None:
    """A digest of all that is not rows, None for a database that was never migrated."""
    try:
        return str(connection.execute(STATE).fetchone())
    except psycopg.errors.UndefinedTable:
        return None


def empty(connection: psycopg.Connection[Any]) -> None:
    """As after the migration, which leaves no row in any table of the platform's."""
    if partitions := [name for (name,) in connection.execute(PARTITIONS)]:
        connection.execute(f"DROP TABLE {', '.join(partitions)}".encode())
    if filled := [name for (name,) in connection.execute(FILLED.encode())]:
        connection.execute(f"TRUNCATE {', '.join(filled)} CASCADE".encode())
