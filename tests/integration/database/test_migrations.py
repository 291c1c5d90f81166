"""Migrations: they make exactly the tables of the code, up and down, once, from several places."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from local.services.postgres import Postgres
from tests.conftest import API_KEY, ENCRYPTION_KEYS
from tests.integration.lanes import dsn
from triggerfish.adapters.db.keys import LOCK
from triggerfish.adapters.db.migrate import MIGRATIONS, upgrade
from triggerfish.adapters.db.tables import metadata
from triggerfish.settings import Settings
from triggerfish.wiring import Wiring
from triggerfish.wiring.upkeep import migrate

CATALOG = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid)
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
           AND a.attnum > 0 AND NOT a.attisdropped""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "options": """
        SELECT relname, relkind::text, reloptions, pg_get_partkeydef(oid) FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')""",
}


@pytest.fixture
def empty(postgres: Postgres) -> Iterator[str]:
    """The URL of a database without any table."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield postgres.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def catalog(url: str) -> dict[str, set[tuple[Any, ...]]]:
    """What Postgres knows of the tables, as it would print it; Alembic's own table left out."""
    with psycopg.connect(dsn(url)) as connection:
        return {
            kind: {
                tuple(map(str, row))
                for row in connection.execute(query.encode())
                if "alembic_version" not in str(row[0])
            }
            for kind, query in CATALOG.items()
        }


def downgrade(url: str) -> None:
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    engine.dispose()


def test_alembic_finds_nothing_to_change_on_a_migrated_database(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrations_make_the_very_catalog_that_the_tables_in_code_make(
    database_url: str, empty: str
) -> None:
    engine = create_engine(empty)
    metadata.create_all(engine)
    engine.dispose()
    migrated, declared = catalog(database_url), catalog(empty)
    for kind in CATALOG:
        assert migrated[kind] == declared[kind], kind
    assert len(migrated["options"]) == len(metadata.tables)


def test_up_down_and_up_again_ends_where_it_began(empty: str) -> None:
    upgrade(empty)
    first = catalog(empty)
    downgrade(empty)
    assert catalog(empty)["options"] == set()
    upgrade(empty)
    assert catalog(empty) == first


def test_migrating_again_changes_nothing_and_keeps_the_data(empty: str) -> None:
    settings = Settings(
        database_url=empty, bootstrap_api_key=API_KEY, encryption_keys=ENCRYPTION_KEYS
    )
    migrate(settings)
    rows = "SELECT p.*, k.* FROM projects p JOIN api_keys k ON k.project_id = p.id"
    with psycopg.connect(dsn(empty)) as connection:
        before = connection.execute(rows.encode()).fetchall()
    migrate(settings)
    with psycopg.connect(dsn(empty)) as connection:
        assert connection.execute(rows.encode()).fetchall() == before
    assert len(before) == 1


async def test_a_host_that_starts_while_another_makes_the_first_project_waits_for_it(
    database_url: str,
) -> None:
    parts = Wiring(Settings(database_url=database_url))
    waiting = """
        SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
         WHERE d.datname = current_database() AND NOT l.granted"""
    with psycopg.connect(dsn(database_url)) as other_host:
        other_host.execute(str(LOCK).encode())
        other_host.execute("INSERT INTO projects VALUES (%s, 'default', now())", (uuid4(),))
        async with asyncio.TaskGroup() as hosts:
            for _ in range(4):
                hosts.create_task(parts.ensure_bootstrap(API_KEY))
            async with asyncio.timeout(30):
                while other_host.execute(waiting).fetchone() != (4,):
                    await asyncio.sleep(0.02)
            other_host.commit()
    await parts.close()
    with psycopg.connect(dsn(database_url)) as connection:
        assert connection.execute("SELECT name FROM projects").fetchall() == [("default",)]
        assert connection.execute("SELECT name FROM api_keys").fetchall() == [("bootstrap",)]


def test_hosts_that_migrate_at_the_same_time_do_not_disturb_each_other(
    empty: str, database_url: str
) -> None:
    settings = Settings(
        database_url=empty, bootstrap_api_key=API_KEY, encryption_keys=ENCRYPTION_KEYS
    )
    with ThreadPoolExecutor(4) as hosts:
        list(hosts.map(migrate, [settings] * 4))
    assert catalog(empty) == catalog(database_url)
    with psycopg.connect(dsn(empty)) as connection:
        [counts] = connection.execute(
            "SELECT (SELECT count(*) FROM projects), (SELECT count(*) FROM api_keys)"
        )
        assert counts == (1, 1)
