"""Searches have connections, places and time of their own; nobody else waits for them."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.searches import AT_ONCE, WAITING, Searches
from triggerfish.domain.errors import TooManyRequests, TryLater

SLEEP = text("SELECT pg_sleep(CAST(:seconds AS float))")
ATTACK = "searches: many at once, endless, of a large import"


@pytest.fixture
async def searches(database_url: str) -> AsyncIterator[Searches]:
    searches = Searches(Database(database_url, pool_size=4, statement_seconds=1.0))
    yield searches
    await searches.close()


@pytest.mark.attack(ATTACK)
async def test_a_statement_that_takes_too_long_is_stopped(database_url: str) -> None:
    database = Database(database_url, pool_size=1, statement_seconds=0.2)
    with pytest.raises(TryLater, match="took too long"):
        await database.run(SLEEP, seconds=30)
    with pytest.raises(TryLater, match="took too long"):
        async with database.snapshot() as connection:
            await connection.execute(SLEEP, {"seconds": 30})
    await database.run(SLEEP, seconds=0)
    await database.close()


@pytest.mark.attack(ATTACK)
@pytest.mark.parametrize("owner", [None, uuid4()], ids=["the public", "a project"])
async def test_who_searches_much_delays_nobody_else(searches: Searches, owner: UUID | None) -> None:
    many = [asyncio.create_task(searches.run(owner, SLEEP, seconds=0.3)) for _ in range(20)]
    await asyncio.sleep(0.1)
    began = time.monotonic()
    for _ in range(5):
        await searches.run(uuid4(), SLEEP, seconds=0)
    assert time.monotonic() - began < 0.3
    outcomes = await asyncio.gather(*many, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, TooManyRequests)]
    assert len(outcomes) - len(refused) >= 2 * AT_ONCE  # all who got a place within the time


@pytest.mark.attack(ATTACK)
async def test_more_than_may_wait_are_refused_at_once(searches: Searches) -> None:
    async with searches.place(None), searches.place(None):
        waiting = [asyncio.create_task(_hold(searches)) for _ in range(WAITING)]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        with pytest.raises(TooManyRequests):
            async with searches.place(None):
                raise AssertionError
        assert time.monotonic() - began < 0.5
        async with searches.place(uuid4()):
            pass
    await asyncio.gather(*waiting)
    assert not searches._lines  # nothing is kept of who does not search


async def _hold(searches: Searches) -> None:
    async with searches.place(None):
        await asyncio.sleep(0)
