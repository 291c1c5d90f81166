"""NATS's side: `nats_worker.py stream|schedule|work URL [CONCURRENCY]`."""

import asyncio
import json
import sys
from datetime import UTC, datetime

import nats
from async_post import post
from nats.js import api


async def stream(js):
    await js.add_stream(
        name="league",
        subjects=["schedules.>", "deliver"],
        storage=api.StorageType.FILE,
        retention=api.RetentionPolicy.LIMITS,
        allow_msg_schedules=True,
        allow_msg_ttl=True,
    )


async def schedule(js):
    for line in sys.stdin:
        job = json.loads(line)
        due = datetime.fromtimestamp(job["due"], UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        headers = {"Nats-Schedule": f"@at {due}", "Nats-Schedule-Target": "deliver"}
        await js.publish_async(f"schedules.{job['id']}", line.encode(), headers=headers)
    await js.publish_async_completed()


async def work(js, concurrency):
    settings = api.ConsumerConfig(ack_policy=api.AckPolicy.EXPLICIT, max_ack_pending=1000)
    messages = await js.pull_subscribe("deliver", durable="deliver", config=settings)
    free = asyncio.Semaphore(concurrency)
    running = set()

    async def deliver(message):
        try:
            job = json.loads(message.data)
            await post(job["id"], job["url"])
            await message.ack()
        finally:
            free.release()

    print("ready", flush=True)
    while True:
        try:
            batch = await messages.fetch(concurrency, timeout=5)
        except TimeoutError:  # of which that of nats is a kind
            continue
        for message in batch:
            await free.acquire()
            task = asyncio.create_task(deliver(message))
            running.add(task)
            task.add_done_callback(running.discard)


async def main(what, url, *rest):
    client = await nats.connect(url, max_reconnect_attempts=-1)
    commands = {"stream": stream, "schedule": schedule, "work": work}
    await commands[what](client.jetstream(), *map(int, rest))
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
