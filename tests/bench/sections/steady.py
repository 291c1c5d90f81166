"""A steady rate of webhooks, and what one message costs, beside a bare app that only accepts."""

import json
import subprocess
import sys
from typing import Any

from tests.bench.bench import PAYLOAD, Bench, Figures, load, server
from tests.bench.measure import cpu_seconds, cpu_used


def steady(bench: Bench, rate: int = 100, seconds: int = 20) -> Figures:
    """Latency of an accept, and from accept to arrival, at so many webhooks a second."""
    with server("reference", DSN=bench.dsn) as port:
        bare = _load(f"http://127.0.0.1:{port}/accept", rate, seconds)
    url = bench.webhook("/steady")
    _load(url, rate, 2)  # connections and caches, as after any start
    bench.wait_for(rate * 2, 30)
    before = cpu_seconds(bench.services)
    ours = _load(url, rate, seconds)
    bench.wait_for(rate * (seconds + 2), 60)
    used = sum(cpu_used(before, cpu_seconds(bench.services)).values())
    arrivals = bench.arrivals()
    late = sorted((arrivals[id][0] - at) * 1000 for id, at in ours["sent"].items())
    bench.forget()
    return {
        "bare app, p50_ms": bare["p50_ms"],
        "accept, p50_ms": ours["p50_ms"],
        "accept, p99_ms": ours["p99_ms"],
        "accept p50, ratio to bare app": ours["p50_ms"] / bare["p50_ms"],
        "arrival, p50_ms": late[len(late) // 2],
        "arrival, p99_ms": late[int(len(late) * 0.99)],
        "CPU of a message, ms": used / (rate * seconds) * 1000,
    }


def cost(bench: Bench, count: int) -> Figures:
    """CPU of one message from accept to logged outcome, by service, and of a bare app's accept."""
    with server("reference", DSN=bench.dsn) as port:
        services = {"bare app": _pid_at(port), "postgres": bench.services["postgres"]}
        load(f"http://127.0.0.1:{port}/accept", PAYLOAD, count // 4)
        before = cpu_seconds(services)
        load(f"http://127.0.0.1:{port}/accept", PAYLOAD, count)
        bare = sum(cpu_used(before, cpu_seconds(services)).values()) / count * 1000
    url = bench.webhook("/cost")
    load(url, PAYLOAD, count // 4)
    bench.wait_for(count // 4, 60)
    before = cpu_seconds(bench.services)
    load(url, PAYLOAD, count)
    bench.wait_for(count // 4 + count, 120)
    used = cpu_used(before, cpu_seconds(bench.services))
    bench.forget()
    figures = {f"CPU of {name}, ms": seconds / count * 1000 for name, seconds in used.items()}
    message = sum(figures.values())
    return {
        "CPU of a bare app's accept, ms": bare,
        **figures,
        "CPU of a message, ms": message,
        "message, ratio to bare accept": message / bare,
    }


def _load(url: str, rate: int, seconds: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.processes.steady_load", url, PAYLOAD]
    output = subprocess.run([*command, str(rate), str(seconds)], stdout=subprocess.PIPE, check=True)
    return dict(json.loads(output.stdout))


def _pid_at(port: int) -> int:
    """The process that listens there."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        if any(one.laddr.port == port for one in process.net_connections(kind="tcp")):
            return int(process.pid)
    raise LookupError(port)
