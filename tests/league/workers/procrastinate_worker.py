"""Procrastinate's side: `procrastinate_worker.py schema|schedule|work DSN [CONCURRENCY]`."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from itertools import groupby

import procrastinate
from async_post import post

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=sys.argv[2], min_size=4, max_size=20)
)


@app.task(name="deliver", retry=3)
async def deliver(id, url):
    await post(id, url)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context, timestamp):
    for job in await app.job_manager.get_stalled_jobs():
        await app.job_manager.retry_job(job)


async def schedule():
    jobs = [json.loads(line) for line in sys.stdin]
    async with app.open_async():
        for due, same in groupby(jobs, key=lambda job: job["due"]):
            at = datetime.fromtimestamp(due, UTC)
            arguments = [{"id": job["id"], "url": job["url"]} for job in same]
            for start in range(0, len(arguments), 1000):
                batch = arguments[start : start + 1000]
                await deliver.configure(schedule_at=at).batch_defer_async(*batch)


async def work(concurrency):
    async with app.open_async():
        print("ready", flush=True)
        await app.run_worker_async(
            concurrency=concurrency, fetch_job_polling_interval=1.0, delete_jobs="successful"
        )


async def schema():
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


if __name__ == "__main__":
    if sys.argv[1] == "work":
        asyncio.run(work(int(sys.argv[3])))
    else:
        asyncio.run({"schema": schema, "schedule": schedule}[sys.argv[1]]())
