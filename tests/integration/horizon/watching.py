"""A job watched over a real server on loopback: sockets, and what they are sent."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from local.runtime.gateway import Gateway
from local.runtime.serving import uvicorn_config
from tests import functions
from tests.conftest import API_KEY
from tests.integration.lanes import Api, template
from triggerfish.settings import Settings

SECONDS = 60
LISTENERS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE query LIKE 'LISTEN%%' AND datname = current_database()
"""


@dataclass(frozen=True)
class Live:
    """The API behind a real server on loopback."""

    api: Api
    settings: Settings
    address: str

    def socket(self, job_id: str, query: str = "", **options: Any) -> connect:
        return connect(f"ws://{self.address}/ws/jobs/{job_id}{query}", proxy=None, **options)

    async def work(self) -> None:
        await functions.work_imports(self.settings.imports_queue_url)


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn_config(lambda: Gateway(template())))
    listener = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.02)
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await task


async def prove(socket: ClientConnection, key: str = API_KEY) -> None:
    await socket.send(json.dumps({"api_key": key}))


async def states(socket: ClientConnection) -> list[dict[str, Any]]:
    """All that comes until the server closes, which it must do as after a final state."""
    seen = [json.loads(text) async for text in socket]
    assert socket.close_code == 1000
    return seen


async def listeners(live: Live, count: int) -> None:
    """Wait until just so many connections listen."""
    async with asyncio.timeout(SECONDS):
        while live.api.sql(LISTENERS) != [(count,)]:
            await asyncio.sleep(0.02)


async def closed_with(socket: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(socket.recv(), SECONDS)
    return socket.close_code
