"""PgQueuer's side: `pgqueuer_worker.py install|schedule|work DSN [CONCURRENCY]`."""

import asyncio
import json
import signal
import sys
import time
from datetime import timedelta

import asyncpg
from async_post import post
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries


async def install(driver):
    await Queries(driver).install()


async def schedule(driver):
    jobs = [json.loads(line) for line in sys.stdin]
    for start in range(0, len(jobs), 1000):
        batch = jobs[start : start + 1000]
        now = time.time()
        await Queries(driver).enqueue(
            ["deliver"] * len(batch),
            [json.dumps(job).encode() for job in batch],
            [0] * len(batch),
            [timedelta(seconds=job["due"] - now) for job in batch],
        )


async def work(driver, concurrency):
    queue = PgQueuer(driver)

    @queue.entrypoint("deliver")
    async def deliver(job):
        wanted = json.loads(job.payload)
        await post(wanted["id"], wanted["url"])

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, queue.shutdown.set)
    print("ready", flush=True)
    await queue.run(batch_size=concurrency // 2, max_concurrent_tasks=concurrency)


async def main(what, dsn, *rest):
    connection = await asyncpg.connect(dsn)
    driver = AsyncpgDriver(connection)
    commands = {"install": install, "schedule": schedule, "work": work}
    await commands[what](driver, *map(int, rest))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
