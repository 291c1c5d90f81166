"""Temporal's side: `temporal_worker.py work|schedule ADDRESS [CONCURRENCY]`."""

import asyncio
import json
import os
import sys
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from async_post import post

QUEUE = "league"
CALLERS = 32


@activity.defn
async def post_job(job: dict) -> None:
    await post(job["id"], job["url"])


@workflow.defn(name="Deliver")
class Deliver:
    @workflow.run
    async def run(self, job: dict) -> None:
        limit = timedelta(seconds=10)
        await workflow.execute_activity(post_job, job, start_to_close_timeout=limit)


async def work(client, concurrency):
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Deliver],
        activities=[post_job],
        max_concurrent_activities=concurrency,
    )
    print("ready", flush=True)
    await worker.run()


async def schedule(client):
    jobs = iter([json.loads(line) for line in sys.stdin])

    async def caller():
        for job in jobs:
            delay = timedelta(seconds=max(0.0, job["due"] - time.time()))
            await client.start_workflow(
                "Deliver", job, id=job["id"], task_queue=QUEUE, start_delay=delay
            )

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    os._exit(0)  # the SDK's threads may crash an interpreter that takes its time to end


async def main(what, address, *rest):
    client = await Client.connect(address)
    await {"work": work, "schedule": schedule}[what](client, *map(int, rest))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
