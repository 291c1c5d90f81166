"""The sections of the benchmark, each a function that measures and returns figures by name."""

import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg

from local.cli.host import free_port
from tests.bench.measure import cpu_seconds, cpu_used, peak_memory
from tests.e2e.platform import Platform

Figures = dict[str, float]

PAYLOAD = '{"id": 1, "customer": "c-123", "items": [{"sku": "a", "count": 2}]}'
SCHEMA = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "integer"}, "items": {"type": "array"}},
}
CONNECTIONS = 32
ROUNDS = 3
ENDPOINTS = 20


class Bench:
    """One platform, one receiver, and what the sections do with them."""

    def __init__(self, platform: Platform, receiver_port: int) -> None:
        self.platform = platform
        self.receiver = f"http://127.0.0.1:{receiver_port}"

    @property
    def services(self) -> dict[str, int]:
        return dict(self.platform.note["services"])

    @property
    def dsn(self) -> str:
        return self.platform.database_url.replace("+psycopg", "")

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def webhook(self, path: str) -> str:
        """The URL of a new API trigger that delivers to this path of the receiver."""
        body = {
            "type": "api",
            "name": path,
            "schema": SCHEMA,
            "endpoint": {"url": self.receiver + path},
        }
        answer = self.platform.request("POST", "/triggers", body)
        return str(answer.raise_for_status().json()["webhook_url"])

    def schedule(self, at: datetime, count: int) -> None:
        """`count` one-shot triggers due at `at`, spread over some endpoints of the receiver."""
        for n in range(ENDPOINTS):
            body = {
                "type": "scheduled",
                "name": "burst",
                "schedule": {"at": at.isoformat()},
                "endpoint": {"url": f"{self.receiver}/burst/{n}"},
                "payload": {"n": n},
            }
            url = self.platform.url + "/api/v1/triggers"
            load(url, json.dumps(body), count // ENDPOINTS, self.platform.api_key)

    def arrivals(self) -> dict[str, list[float]]:
        return dict(httpx.get(self.receiver, timeout=60).json())

    def forget(self) -> None:
        """Empty the logs and the receiver, so that sections do not meet."""
        httpx.delete(self.receiver)
        self.sql("DELETE FROM triggers")
        self.sql("TRUNCATE event_logs_active, delivery_stats")

    def wait_for(self, count: int, seconds: float) -> None:
        """Wait until so many events are delivered."""
        query = "SELECT count(*) FROM event_logs_active WHERE status = 'success'"
        until = time.monotonic() + seconds
        while self.sql(query)[0][0] < count:
            if time.monotonic() > until:
                raise TimeoutError(f"not {count} delivered within {seconds:.0f} s")
            time.sleep(0.05)

    @contextmanager
    def paused(self, *names: str) -> Iterator[None]:
        """Some services do nothing while the block runs."""
        pids = [self.services[name] for name in names]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


def load(url: str, body: str, count: int, api_key: str = "") -> Figures:
    command = [sys.executable, "-m", "tests.bench.http_load", url, body, str(CONNECTIONS)]
    output = subprocess.run(
        [*command, str(count), *([api_key] if api_key else [])],
        stdout=subprocess.PIPE,
        check=True,
    )
    return dict(json.loads(output.stdout))


@contextmanager
def server(module: str, **environment: str) -> Iterator[int]:
    """A helper process of the benchmark on a free port."""
    port = free_port()
    command = [sys.executable, "-m", module, str(port)]
    process = subprocess.Popen(command, env=os.environ | environment)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/")
                break
            except httpx.ConnectError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def accepts(bench: Bench, count: int) -> Figures:
    """Webhook accepts/s at 32 connections, beside a bare app; rounds alternate, medians count."""
    rounds: dict[str, list[Figures]] = {"bare app": [], "accepts": [], "while delivering": []}
    with server("tests.bench.reference", DSN=bench.dsn) as port:
        for _ in range(ROUNDS):
            rounds["bare app"].append(load(f"http://127.0.0.1:{port}/accept", PAYLOAD, count))
            url = bench.webhook("/accepts")
            with bench.paused("worker"):
                rounds["accepts"].append(load(url, PAYLOAD, count))
            bench.wait_for(count, 300)
            bench.forget()
            rounds["while delivering"].append(load(bench.webhook("/accepts"), PAYLOAD, count))
            bench.wait_for(count, 300)
            bench.forget()
    figures: Figures = {}
    for name, measured in rounds.items():
        for unit in measured[0]:
            figures[f"{name}, {unit}"] = statistics.median(one[unit] for one in measured)
    bare = figures["bare app, per_second"]
    figures["accepts, ratio to bare app"] = figures["accepts, per_second"] / bare
    figures["while delivering, ratio to bare app"] = figures["while delivering, per_second"] / bare
    return figures


def backlog(bench: Bench, count: int, endpoints: int) -> Figures:
    """Deliveries/s from the first outcome to the last, and the CPU time of one by stage.

    The CPU time counts the worker's start and its imports too, spread over all deliveries.
    """
    with bench.paused("worker"):
        for n in range(endpoints):
            load(bench.webhook(f"/backlog/{n}"), PAYLOAD, count // endpoints)
        before = cpu_seconds(bench.services)
        stages = _sampled_worker(bench, count)
        elapsed = stages.pop("elapsed")
        used = cpu_used(before, cpu_seconds(bench.services))
    bench.wait_for(count, 60)
    bench.forget()
    stages["queue"] += used["broker"]
    stages["SQL"] += used["postgres"]
    figures = {f"CPU {stage}, ms": seconds / count * 1000 for stage, seconds in stages.items()}
    figures["CPU in all, ms"] = sum(figures.values())
    return {"deliveries per_second": count / elapsed, **figures}


def _sampled_worker(bench: Bench, count: int) -> Figures:
    """Run one sampled worker until all is delivered; its CPU seconds by stage, and the time."""
    out = bench.platform.folder / "stages.json"
    command = [sys.executable, "-m", "tests.bench.sampled_worker", str(out)]
    process = subprocess.Popen(
        [*command, str(Path("infra/template.yaml").resolve())],
        env=os.environ | bench.platform.note["environment"],
        stderr=subprocess.DEVNULL,
    )
    query = "SELECT min(completed_at), max(completed_at) FROM event_logs_active"
    try:
        bench.wait_for(count, 300)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    first, last = bench.sql(query)[0]
    sampled: Figures = json.loads(out.read_text())
    nothing: Figures = dict.fromkeys(("queue", "SQL", "HTTP", "own code"), 0.0)
    return nothing | sampled | {"elapsed": (last - first).total_seconds()}


def tick(bench: Bench, count: int) -> Figures:
    """Occurrences/s of one tick: claimed, written as events, advanced, and their messages sent.

    The CPU time counts the start of the tick's process too, spread over all occurrences.
    """
    due = datetime.now(UTC) + timedelta(minutes=10)
    bench.schedule(due, count)
    with bench.paused("scheduler", "worker"):
        before, own = cpu_seconds(bench.services), resource.getrusage(resource.RUSAGE_CHILDREN)
        answer = subprocess.run(
            [sys.executable, "-m", "local.cli", "invoke", "tick", "-e", "-"],
            input=b'{"horizon_seconds": 900}',
            env=os.environ | bench.platform.note["environment"],
            capture_output=True,
            check=True,
        )
        used = cpu_used(before, cpu_seconds(bench.services))
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        ((took_ms,),) = bench.sql("SELECT duration_ms FROM heartbeats WHERE name = 'tick'")
    fired = json.loads(answer.stdout)["fired"]
    bench.forget()
    seconds = {
        "tick": ended.ru_utime + ended.ru_stime - own.ru_utime - own.ru_stime,
        "postgres": used["postgres"],
        "broker": used["broker"],
    }
    cpu = {f"CPU {name}, ms": spent / fired * 1000 for name, spent in seconds.items()}
    return {"fired": fired, "occurrences per_second": fired / took_ms * 1000, **cpu}


def spread_lateness(bench: Bench, count: int = 100, seconds: int = 10) -> Figures:
    """Lateness of single firings, spread over some seconds on an idle platform."""
    start = datetime.now(UTC) + timedelta(seconds=15)
    for n in range(count):
        body = {
            "type": "scheduled",
            "name": "spread",
            "schedule": {"at": (start + timedelta(seconds=n * seconds / count)).isoformat()},
            "endpoint": {"url": f"{bench.receiver}/spread"},
        }
        bench.platform.request("POST", "/triggers", body).raise_for_status()
    bench.wait_for(count, 60)
    figures = _lateness(bench)
    bench.forget()
    return figures


def burst_lateness(bench: Bench, count: int) -> Figures:
    """Lateness of many triggers due in the same second, and the memory that it takes."""
    lead = timedelta(seconds=10 + count / 100)
    due = (datetime.now(UTC) + lead).replace(microsecond=0)
    bench.schedule(due, count)
    if datetime.now(UTC) > due - timedelta(seconds=4):
        raise RuntimeError("the triggers were not created in time")
    with peak_memory(bench.services) as peaks:
        bench.wait_for(count, lead.total_seconds() + 120)
    figures = _lateness(bench)
    bench.forget()
    return figures | {f"memory of {name}, MB": peak for name, peak in peaks.items()}


def _lateness(bench: Bench) -> Figures:
    """Arrival at the receiver less the time it was scheduled for, in ms."""
    due = dict(bench.sql("SELECT id::text, scheduled_for FROM event_logs_active"))
    late = sorted((times[0] - due[id].timestamp()) * 1000 for id, times in bench.arrivals().items())
    return {
        "early": float(sum(one < 0 for one in late)),
        "p50_ms": late[len(late) // 2],
        "p99_ms": late[int(len(late) * 0.99)],
        "max_ms": late[-1],
    }


def idle(bench: Bench, triggers: int = 10_000, seconds: float = 30.0) -> Figures:
    """CPU of the whole platform with many future triggers and nothing due, in % of one core."""
    bench.schedule(datetime.now(UTC) + timedelta(days=1), triggers)
    time.sleep(10)
    services = bench.services | {"supervisor": bench.platform.pid}
    names = [name for name in services if name != "supervisor"]
    before, started = cpu_seconds(services), time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - started
    used = cpu_used(before, cpu_seconds(services))
    used["supervisor"] -= sum(used[name] for name in names)  # its children are counted by name
    figures = {f"CPU of {name}, %": used[name] / elapsed * 100 for name in services}
    figures["CPU in all, %"] = sum(figures.values())
    bench.forget()
    return figures
