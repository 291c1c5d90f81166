"""The pool: what the server closes while it is idle is replaced before anybody notices."""

import asyncio

import psycopg
import pytest
from sqlalchemy import text

from triggerfish.adapters.db.engine import Database
from triggerfish.domain.errors import TryLater

PID = text("SELECT pg_backend_pid() AS pid")
SLEEP = text("SELECT pg_sleep(30)")
# Waits until they are gone: a connection that is still being closed would answer the pool's ping.
TERMINATE = """
    SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND datname = current_database()
      AND backend_type = 'client backend'
"""


def terminate_all(database_url: str) -> None:
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(TERMINATE)


async def test_a_connection_closed_while_idle_is_replaced_unnoticed(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    [before] = await database.run(PID)
    assert (await database.run(PID))[0].pid == before.pid  # the pool does keep it
    terminate_all(database_url)
    [after] = await database.run(PID)
    assert after.pid != before.pid
    async with database.transaction():
        pass
    await database.close()


async def test_a_connection_closed_at_work_means_try_later(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    await database.run(PID)
    work = asyncio.create_task(database.run(SLEEP))
    async with asyncio.timeout(30):
        while not work.done():
            terminate_all(database_url)
            await asyncio.sleep(0.05)
    with pytest.raises(TryLater):
        work.result()
    await database.run(PID)
    await database.close()
