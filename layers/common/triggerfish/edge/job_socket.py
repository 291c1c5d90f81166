"""A job over a WebSocket: who may watch, what is sent, and how it closes.

Close codes: 1000 after the final state, 1013 when a store is away, too many watch or time is up,
1008 for another site's page, 4401 without a valid key or ticket, 4403 without the scope, 4404 for
no such job.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager, aclosing
from typing import Protocol
from uuid import UUID

import orjson
from fastapi import WebSocket, WebSocketDisconnect

from triggerfish.adapters.open_streams import UnprovedSockets
from triggerfish.domain.errors import (
    Forbidden,
    NotFound,
    TriggerfishError,
    Unauthorised,
)
from triggerfish.domain.job import Job
from triggerfish.edge.auth import MAX_KEY_CHARACTERS
from triggerfish.edge.cors import origin_of
from triggerfish.edge.job_views import job_text

FIRST_MESSAGE_SECONDS = 5.0
MAX_FIRST_MESSAGE = 1000
CODES = {Unauthorised: 4401, Forbidden: 4403, NotFound: 4404}
TRY_LATER = 1013


class Places(Protocol):
    """How many may watch at once. Both raise TooManyRequests."""

    def hold(self) -> AbstractContextManager[None]: ...

    def hold_of(self, project_id: UUID) -> AbstractContextManager[None]: ...


Watch = Callable[[UUID], AsyncGenerator[Job, None]]


async def serve_job(
    socket: WebSocket,
    *,
    origins: frozenset[str],
    unproved: UnprovedSockets,
    places: Places,
    project_of_key: Callable[[str], Awaitable[UUID]],
    project_of_ticket: Callable[[str], Awaitable[UUID]],
    watch: Watch,
) -> None:
    """Let the caller prove who it is, send the job whenever it changes, close after its end.

    A page of another site is refused before anything else: its visitor did not ask for this.
    """
    if not _is_welcome(socket, origins):
        await socket.close(1008)
        return
    await socket.accept()
    try:
        async with unproved.wait(FIRST_MESSAGE_SECONDS):
            ticket = socket.query_params.get("ticket")
            claim = project_of_ticket(ticket) if ticket else _by_key(socket, project_of_key)
            project = await claim
        with places.hold(), places.hold_of(project):
            await _send_until_gone(socket, watch(project))
    except WebSocketDisconnect:
        return
    except TimeoutError:
        await socket.close(CODES[Unauthorised], "The first message did not come in time.")
    except TriggerfishError as error:
        await socket.close(CODES.get(type(error), TRY_LATER), error.message)


async def _by_key(socket: WebSocket, project_of_key: Callable[[str], Awaitable[UUID]]) -> UUID:
    """The first message must be `{"api_key": "…"}`."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    return await project_of_key(_key(message.get("text") or ""))


def _key(text: str) -> str:
    try:
        key = orjson.loads(text[:MAX_FIRST_MESSAGE])["api_key"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        key = ""
    if not isinstance(key, str) or not (key.isascii() and key.isprintable()):
        key = ""
    if not 0 < len(key) <= MAX_KEY_CHARACTERS:
        raise Unauthorised('The first message must be {"api_key": "…"}.')
    return key


async def _send_until_gone(socket: WebSocket, jobs: AsyncGenerator[Job, None]) -> None:
    """Send until the job has ended or the client is gone, whichever comes first."""
    sending = asyncio.create_task(_send(socket, jobs))
    gone = asyncio.create_task(_gone(socket))
    try:
        await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            await sending
    finally:
        for task in (sending, gone):
            task.cancel()
        await asyncio.gather(sending, gone, return_exceptions=True)


async def _send(socket: WebSocket, jobs: AsyncGenerator[Job, None]) -> None:
    async with aclosing(jobs):
        async for job in jobs:
            await socket.send_text(job_text(job))
    await socket.close()


async def _gone(socket: WebSocket) -> None:
    """Returns when the client has left; what it says until then is not for us."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _is_welcome(socket: WebSocket, origins: frozenset[str]) -> bool:
    """Browsers say of which site a page is; other clients need not."""
    origin = socket.headers.get("origin")
    if origin is None:
        return True
    scheme = "https" if socket.url.scheme == "wss" else "http"
    own = f"{scheme}://{socket.headers.get('host')}"
    return origin_of(origin) in {origin_of(site) for site in (own, *origins)} - {None}
