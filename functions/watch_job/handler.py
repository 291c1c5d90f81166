"""A job as it goes, over a WebSocket or Server-Sent Events; tickets for who has no key at hand."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response, WebSocket

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import Json, build_app, lambda_handler, parse_id
from triggerfish.edge.job_socket import serve_job
from triggerfish.edge.job_views import job_text, ticket_view
from triggerfish.edge.key_views import NOT_KEPT
from triggerfish.edge.openapi import job as docs
from triggerfish.edge.sse import EventStream, is_buffered
from triggerfish.usecases.manage_jobs import get_job
from triggerfish.usecases.watch_job import issue_ticket, project_of_key, redeem_ticket, watch_job
from triggerfish.wiring import wiring

app = build_app()

Reader = Annotated[Principal, Depends(require("jobs:read", lambda: wiring().authenticate))]


@app.post("/api/v1/jobs/{job_id}/tickets", status_code=201, **docs.ticket)
async def ticket(job_id: str, caller: Reader) -> Json:
    issued = await issue_ticket(parse_id(job_id, "job"), caller, wiring().watch_job)
    return Json(ticket_view(issued), status_code=201, headers=NOT_KEPT)


@app.get("/api/v1/jobs/{job_id}/stream", **docs.stream)
async def stream(job_id: str, request: Request, caller: Reader) -> Response:
    job = await get_job(parse_id(job_id, "job"), caller, wiring().manage_jobs)
    texts = _texts(job.id, caller.project_id, only_now=is_buffered(request))
    places = wiring().job_streams
    return EventStream(texts, places.hold(), places.hold_of(caller.project_id))


@app.websocket("/ws/jobs/{job_id}")
async def watch(socket: WebSocket, job_id: str) -> None:
    parts = wiring()
    await serve_job(
        socket,
        origins=parts.settings.websocket_origins,
        places=parts.job_streams,
        project_of_key=lambda key: project_of_key(key, parts.authenticate),
        project_of_ticket=lambda it: redeem_ticket(it, parse_id(job_id, "job"), parts.watch_job),
        watch=lambda project: watch_job(parse_id(job_id, "job"), project, parts.watch_job),
    )


async def _texts(job_id: UUID, project_id: UUID, *, only_now: bool) -> AsyncGenerator[str, None]:
    """Each state as text; only the present one where the answer is gathered before it is sent."""
    async with aclosing(watch_job(job_id, project_id, wiring().watch_job)) as jobs:
        async for job in jobs:
            yield job_text(job)
            if only_now:
                return


handler = lambda_handler(app)
