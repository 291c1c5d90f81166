"""Hands jobs to a peer over HTTP: at a fixed rate, or as fast as 32 connections are answered.

Run as a process: reads an `Order` as JSON, prints when each id was sent and when it was answered.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import uvloop

from tests.bench.processes.http_load import read_answer

CONNECTIONS = 32
Times = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Order:
    """`per_second` 0 means as fast as answered. `$ID` in URL and body stands for the job's id."""

    ids: list[str]
    url: str
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    per_second: float = 0


async def hand_in(order: Order) -> Times:
    """When each request was due to be sent and when it was answered (Unix seconds).

    With a rate, a request that found no free connection counts from its turn, not from when it got
    one, so that a slow peer does not slow its own clock.
    """
    times: Times = {}
    left = _paced(order)
    parts = urlsplit(order.url)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for job_id, turn in left:
            await asyncio.sleep(turn - time.time())
            sent = turn or time.time()
            writer.write(_request(order, job_id))
            await read_answer(reader)
            times[job_id] = (sent, time.time())
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return times


def _paced(order: Order) -> Iterator[tuple[str, float]]:
    start = time.time() + 0.2
    for number, job_id in enumerate(order.ids):
        yield job_id, (start + number / order.per_second if order.per_second else 0.0)


def _request(order: Order, job_id: str) -> bytes:
    parts = urlsplit(order.url.replace("$ID", job_id))
    body = order.body.replace("$ID", job_id).encode()
    headers = {"Host": parts.netloc, "Content-Type": "application/json"} | order.headers
    lines = [f"POST {parts.path} HTTP/1.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


if __name__ == "__main__":
    print(json.dumps(uvloop.run(hand_in(Order(**json.load(sys.stdin))))))
