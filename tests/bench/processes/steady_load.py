"""A load of so many requests a second, each at its time whatever became of those before.

Run as a process: `python -m tests.bench.processes.steady_load URL BODY RATE SECONDS` prints one
JSON line: the latencies in ms, and when each event was sent, by the id in the answer.
"""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import uvloop

from tests.bench.processes.http_load import read_answer


async def post_steadily(url: str, body: bytes, rate: float, seconds: float) -> dict[str, object]:
    parts = urlsplit(url)
    request = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    latencies: list[float] = []
    sent: dict[str, float] = {}

    async def one(at: float) -> None:
        await asyncio.sleep(max(at - time.monotonic(), 0))
        while idle and idle[-1][0].at_eof():  # closed by the server, which it was too long idle for
            idle.pop()
        reader, writer = (
            idle.pop() if idle else await asyncio.open_connection(parts.hostname, parts.port)
        )
        started, wall = time.perf_counter(), time.time()
        writer.write(request)
        answer = json.loads(await read_answer(reader))
        latencies.append(time.perf_counter() - started)
        sent[answer["event_id"]] = wall
        idle.append((reader, writer))

    begin = time.monotonic() + 0.2
    await asyncio.gather(*(one(begin + n / rate) for n in range(int(rate * seconds))))
    latencies.sort()
    for _, writer in idle:
        writer.close()
    return {
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1000,
        "sent": sent,
    }


if __name__ == "__main__":
    target, payload, per_second, duration = sys.argv[1:5]
    load = post_steadily(target, payload.encode(), float(per_second), float(duration))
    print(json.dumps(uvloop.run(load)))
