"""Restate's side: the service (`restate_worker:app`), and `restate_worker.py schedule INGRESS`."""

import asyncio
import json
import sys
import time

import aiohttp
import restate
from async_post import post

CALLERS = 16
deliver = restate.Service("Deliver")


@deliver.handler()
async def send(context: restate.Context, job: dict) -> None:
    await context.run_typed("post", post, job_id=job["id"], url=job["url"])


app = restate.app([deliver])


async def schedule(ingress):
    jobs = iter([json.loads(line) for line in sys.stdin])

    async def caller(session):
        for job in jobs:
            milliseconds = max(0, round((job["due"] - time.time()) * 1000))
            path = f"{ingress}/Deliver/send/send?delay={milliseconds}ms"
            async with session.post(path, json=job) as answer:
                if answer.status != 202:
                    raise RuntimeError(await answer.text())

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(caller(session) for _ in range(CALLERS)))


if __name__ == "__main__":
    asyncio.run(schedule(sys.argv[2]))
