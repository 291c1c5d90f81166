"""Tests get databases that others have used: empty again, or not at all when more than rows changed."""

from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest

from tests.databases import FILLED, PARTITIONS, Databases
from tests.integration.lanes import dsn

PROJECT = "INSERT INTO projects (id, name, created_at) VALUES (%s, 'mine', %s)"
PARTITION = """
    CREATE TABLE event_logs_archive_2026030212 PARTITION OF event_logs_archive
       FOR VALUES FROM ('2026-03-02T12:00Z') TO ('2026-03-02T13:00Z')
"""
IDENTITY = "SELECT oid FROM pg_database WHERE datname = current_database()"
CHANGES = [
    "DROP INDEX event_logs_active_occurrence_key",
    "ALTER TABLE projects ALTER COLUMN name DROP NOT NULL",
    "ALTER TABLE projects DISABLE TRIGGER ALL",
    "ALTER TABLE projects SET (autovacuum_enabled = off)",
    "ANALYZE projects",
    "CREATE TABLE a_tests_own (n int)",
    "CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1",
    "DROP TABLE alembic_version",
]


def used(url: str, *statements: str) -> int:
    """What stays the same of a database under another name; it has a project by then."""
    with psycopg.connect(dsn(url), autocommit=True) as connection:
        connection.execute(PROJECT, (uuid4(), datetime.now(UTC)))
        for statement in statements:
            connection.execute(statement.encode())
        [(identity,)] = connection.execute(IDENTITY).fetchall()
        return int(identity)


def test_a_used_database_comes_back_empty_under_another_name(databases: Databases) -> None:
    with databases.lent() as first:
        identity = used(first, PARTITION)
    with databases.lent() as second:
        assert second != first
        with psycopg.connect(dsn(second), autocommit=True) as connection:
            assert connection.execute(FILLED.encode()).fetchall() == []
            assert connection.execute(PARTITIONS).fetchall() == []
        assert used(second, PARTITION) == identity


def test_who_is_still_connected_is_sent_away(databases: Databases) -> None:
    with databases.lent() as first:
        identity = used(first)
        left = psycopg.connect(dsn(first))
        left.execute("LOCK projects")
    with databases.lent() as second:
        assert used(second) == identity
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    left.close()


@pytest.mark.parametrize("change", CHANGES)
def test_a_database_of_which_more_than_rows_has_changed_is_not_lent_again(
    databases: Databases, change: str
) -> None:
    with databases.lent() as first:
        identity = used(first, change)
    with databases.lent() as second:
        assert used(second) != identity
