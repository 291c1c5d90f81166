"""What the sections of the benchmark share: a platform, a receiver, load and helper processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg

from local.cli.host import free_port
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

    def another(self, folder: Path) -> Platform:
        """A platform of the same version, not started."""
        return Platform(folder, python=self.platform.python, root=self.platform.root)

    @property
    def environment(self) -> dict[str, str]:
        """For one more process beside the platform's own."""
        return self.platform.service_environment()

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
        """Some services do nothing while the block runs, nor does what would replace them."""
        pids = [self.platform.pid, *(self.services[name] for name in names)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


def load(
    url: str, body: str, count: int, api_key: str = "", *, connections: int = CONNECTIONS
) -> Figures:
    command = [sys.executable, "-m", "tests.bench.processes.http_load", url, str(connections)]
    output = subprocess.run(
        [*command, str(count), *([api_key] if api_key else [])],
        input=body.encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return dict(json.loads(output.stdout))


@contextmanager
def server(
    module: str, *, package: str = "tests.bench.processes", **environment: str
) -> Iterator[int]:
    """A helper process of the benchmark on a free port."""
    port = free_port()
    command = [sys.executable, "-m", f"{package}.{module}", str(port)]
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
