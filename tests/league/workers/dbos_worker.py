"""DBOS's side: `dbos_worker.py work|schedule URL [CONCURRENCY]`."""

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from async_post import post
from dbos import DBOS, DBOSClient

CALLERS = 8


@DBOS.step(retries_allowed=True)
async def post_step(job_id, url):
    await post(job_id, url)


@DBOS.workflow(name="deliver")
async def deliver(job_id, url):
    await post_step(job_id, url)


def work(url, concurrency):
    settings = {"name": "league", "system_database_url": url, "application_version": "1"}
    DBOS(config=settings)
    DBOS.launch()
    DBOS.register_queue("deliver", worker_concurrency=int(concurrency), polling_interval_sec=1.0)
    print("ready", flush=True)
    threading.Event().wait()


def schedule(url):
    client = DBOSClient(system_database_url=url)

    def enqueue(line):
        job = json.loads(line)
        options = {"queue_name": "deliver", "workflow_name": "deliver", "workflow_id": job["id"]}
        options |= {"delay_seconds": job["due"] - time.time(), "app_version": "1"}
        client.enqueue(options, job["id"], job["url"])

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(enqueue, sys.stdin))


if __name__ == "__main__":
    {"work": work, "schedule": schedule}[sys.argv[1]](*sys.argv[2:])
