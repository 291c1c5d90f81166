"""A cheap HTTP load generator: N keep-alive connections that post the same body as fast as answered.

Raw asyncio streams, so that the generator does not take the CPU it is to measure. Run as a process:
`python -m tests.bench.processes.http_load URL CONNECTIONS COUNT [API_KEY]` reads the body from its
input and prints one JSON line.
"""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import uvloop


async def post_many(
    url: str, body: bytes, connections: int, count: int, api_key: str = ""
) -> dict[str, float]:
    """Requests per second and latency percentiles in ms; every answer must be 202 or 201."""
    parts = urlsplit(url)
    authorization = f"Authorization: Bearer {api_key}\r\n" if api_key else ""
    request = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"{authorization}\r\n"
    ).encode() + body
    latencies: list[float] = []
    left = iter(range(count))

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for _ in left:
            started = time.perf_counter()
            writer.write(request)
            await read_answer(reader)
            latencies.append(time.perf_counter() - started)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(connections)))
    elapsed = time.perf_counter() - started
    latencies.sort()
    return {
        "per_second": count / elapsed,
        "p50_ms": latencies[count // 2] * 1000,
        "p99_ms": latencies[int(count * 0.99)] * 1000,
    }


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """The body of one answer, which must say that the request was taken."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    if status not in (200, 201, 202):
        raise RuntimeError(f"answered {status}: {head!r}")
    marker = b"content-length: "
    start = head.lower().index(marker) + len(marker)
    return await reader.readexactly(int(head[start : head.index(b"\r\n", start)]))


if __name__ == "__main__":
    target, width, total = sys.argv[1:4]
    load = post_many(target, sys.stdin.buffer.read(), int(width), int(total), *sys.argv[4:])
    print(json.dumps(uvloop.run(load)))
