"""APScheduler's side: `apscheduler_worker.py URL THREADS`.

Two processes must not share a job store, so the scheduler's own process adds the jobs: it reads
the names of files with jobs from its input and prints `scheduled` after each.
"""

import json
import sys
from datetime import UTC, datetime

import apscheduler_worker
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from post import post


def deliver(job_id, url):
    post(job_id, url)


def main(url, threads):
    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(url=url)},
        executors={"default": ThreadPoolExecutor(int(threads))},
        job_defaults={"misfire_grace_time": None},
        timezone="UTC",
    )
    scheduler.start()
    print("ready", flush=True)
    for name in sys.stdin:
        with open(name.strip()) as lines:
            for line in lines:
                job = json.loads(line)
                scheduler.add_job(
                    apscheduler_worker.deliver,
                    "date",
                    run_date=datetime.fromtimestamp(job["due"], UTC),
                    args=(job["id"], job["url"]),
                    id=job["id"],
                )
        print("scheduled", name.strip(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
