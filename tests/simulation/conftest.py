"""One migrated database for all runs; each run empties it."""

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.simulation.database import Storage


@pytest.fixture(scope="session")
def storage(databases: Databases) -> Iterator[Storage]:
    with databases.lent() as url:
        found = Storage(url)
        yield found
        found.close()
