"""One migrated database for all runs; each run empties it."""

from collections.abc import Iterator

import psycopg
import pytest

from local.services.postgres import Postgres
from tests.simulation.database import Storage


@pytest.fixture(scope="session")
def storage(postgres: Postgres, template_database: str) -> Iterator[Storage]:
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE simulation TEMPLATE {template_database}".encode())
    found = Storage(postgres.url("simulation"))
    yield found
    found.close()
