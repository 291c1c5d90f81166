"""How many rows a table has."""

import psycopg

from tests.integration.lanes import dsn


def count(database_url: str, table: str) -> int:
    with psycopg.connect(dsn(database_url)) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        assert row is not None
        return int(row[0])
