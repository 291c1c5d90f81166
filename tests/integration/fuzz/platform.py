"""The real functions and a real Postgres behind a real server, for a client that speaks HTTP.

Imports are worked off beside it; nothing is delivered.
"""

import asyncio
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from local.runtime.gateway import Gateway
from tests.conftest import API_KEY
from tests.factories import a_catalogue_event, a_scheduled_trigger, an_api_trigger
from tests.functions import retention, tick, work_imports
from tests.integration.imports import JOBS, UPLOAD, lines
from tests.integration.lanes import ENVIRONMENT, template
from tests.mocked_aws import aws_endpoint
from triggerfish.wiring import close_all

PATIENT = {"TRIGGERFISH_TICK_SECONDS": "3600", "TRIGGERFISH_RETENTION_SECONDS": "3600"}
URL = "TRIGGERFISH_FUZZ_URL"
ENDPOINT = "https://example.com/hook"  # nothing is delivered: no worker runs
PATIENCE_SECONDS = 60


class Platform:
    """A running platform and a client that makes what a request needs to be about something."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, headers={"authorization": f"Bearer {API_KEY}"})

    def make(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        place = path if path.startswith("/") else f"/api/v1/{path}"
        answer = self.http.post(place, json=body or {})
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def trigger(self, *, api: bool) -> dict[str, Any]:
        new = an_api_trigger if api else a_scheduled_trigger
        changes: dict[str, Any] = {"schema": {}} if api else {"schedule": {"in": "9d"}}
        return self.make("triggers", new(ENDPOINT, **changes))

    def key(self) -> dict[str, Any]:
        return self.make("keys", {"name": "fuzzed", "scopes": ["triggers:read"]})

    def catalogue_event(self, status: str) -> str:
        return str(self.make("/events", a_catalogue_event(status=status))["id"])

    def job(self) -> str:
        """An import that has just begun."""
        answer = self.http.post(UPLOAD, files={"file": ("app.jsonl", lines(3) + b"bad")})
        assert answer.is_success, answer.text
        return str(answer.json()["job_id"])

    def finished_job(self) -> str:
        """An import that has come to its end."""
        job_id, end = self.job(), time.monotonic() + PATIENCE_SECONDS
        while self.http.get(f"{JOBS}/{job_id}").json()["status"] != "completed":
            assert time.monotonic() < end, "nobody works on imports"
            time.sleep(0.05)
        return job_id

    def event(self) -> str:
        return str(self.make(f"triggers/{self.trigger(api=False)['id']}/test-run")["event_id"])


@contextmanager
def running(environment: Mapping[str, str], *, lane: str = "native") -> Iterator[Platform]:
    """Serve on a free port of loopback, in a thread with a loop of its own."""
    given = {
        **ENVIRONMENT,
        **PATIENT,
        "TRIGGERFISH_SQS_ENDPOINT_URL": aws_endpoint(),
        **environment,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        gateway = Gateway(template(), event_lane=lane == "event")
        config = uvicorn.Config(gateway, host="127.0.0.1", port=0, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=asyncio.run, args=[_serve(server)], daemon=True)
        thread.start()
        try:
            yield Platform(f"http://127.0.0.1:{_port(server, thread)}")
        finally:
            server.should_exit = True
            thread.join(30)
            gateway.close()


async def _serve(server: uvicorn.Server) -> None:
    await close_all()  # forget the settings of whoever came before
    await tick()  # all is up once these have run
    await retention()
    worker = asyncio.create_task(_work_on_imports())
    try:
        await server.serve()
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        await close_all()


async def _work_on_imports() -> None:
    while True:
        await work_imports(os.environ["TRIGGERFISH_IMPORTS_QUEUE_URL"])
        await asyncio.sleep(1)  # asking costs CPU


def _port(server: uvicorn.Server, thread: threading.Thread) -> int:
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        thread.join(0.05)
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port
