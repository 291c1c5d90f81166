"""Celery's side: `celery_worker.py worker …` takes tasks, `celery_worker.py schedule` makes them."""

import json
import os
import sys
from datetime import UTC, datetime

from celery import Celery
from celery.signals import worker_ready
from post import post

app = Celery("celery_worker", broker=os.environ["LEAGUE_BROKER"])
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True
if visibility := os.environ.get("LEAGUE_VISIBILITY_SECONDS"):
    app.conf.broker_transport_options = {
        "visibility_timeout": int(visibility),
        "unacked_restore_interval": 5,  # kombu: lower it "when using a low visibility_timeout"
        "unacked_restore_throttle": 1,  # and this makes it "the sole control"
    }
    app.conf.task_acks_late = True
    app.conf.task_reject_on_worker_lost = True


@app.task(name="deliver")
def deliver(job_id, url):
    post(job_id, url)


@worker_ready.connect
def say(**_):
    print("worker is ready", flush=True)


def schedule():
    with app.producer_or_acquire() as producer:
        for line in sys.stdin:
            job = json.loads(line)
            eta = datetime.fromtimestamp(job["due"], UTC)
            deliver.apply_async((job["id"], job["url"]), eta=eta, producer=producer)


if __name__ == "__main__":
    if sys.argv[1] == "schedule":
        schedule()
    else:
        app.worker_main(sys.argv[1:])
