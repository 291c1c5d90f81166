"""A job as it goes, over a WebSocket or Server-Sent Events; tickets for who has no key at hand."""

from typing import Annotated

from fastapi import Depends, Request, Response, WebSocket

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import Json, build_app, lambda_handler, parse_id
from triggerfish.edge.job_socket import serve_job
from triggerfish.edge.job_views import job_texts, ticket_view
from triggerfish.edge.key_views import NOT_KEPT
from triggerfish.edge.once import once
from triggerfish.edge.openapi import job as docs
from triggerfish.edge.sse import EventStream, is_buffered
from triggerfish.usecases.manage_jobs import get_job
from triggerfish.usecases.watch_job import issue_ticket, project_of_key, redeem_ticket, watch_job
from triggerfish.wiring import wiring

app = build_app()

Reader = Annotated[Principal, Depends(require("jobs:read", lambda: wiring().authenticate))]


@app.post("/api/v1/jobs/{job_id}/tickets", status_code=201, **docs.ticket)
async def ticket(job_id: str, request: Request, caller: Reader) -> Response:
    parts, id = wiring(), parse_id(job_id, "job")

    async def make() -> Json:
        issued = await issue_ticket(id, caller, parts.watch_job)
        return Json(ticket_view(issued), 201, NOT_KEPT | {"location": f"/ws/jobs/{id}"})

    return await once(request, caller, parts.keyed_requests, make)


@app.get("/api/v1/jobs/{job_id}/stream", **docs.stream)
async def stream(job_id: str, request: Request, caller: Reader) -> Response:
    parts = wiring()
    job = await get_job(parse_id(job_id, "job"), caller, parts.manage_jobs)
    jobs = watch_job(job.id, caller.project_id, parts.watch_job)
    texts, places = job_texts(jobs, only_now=is_buffered(request)), parts.job_streams
    return EventStream(texts, places.hold(), places.hold_of(caller.project_id))


@app.websocket("/ws/jobs/{job_id}")
async def watch(socket: WebSocket, job_id: str) -> None:
    parts = wiring()
    await serve_job(
        socket,
        origins=parts.settings.websocket_origins,
        unproved=parts.unproved_sockets,
        places=parts.job_streams,
        project_of_key=lambda key: project_of_key(key, parts.authenticate),
        project_of_ticket=lambda text: redeem_ticket(
            text, parse_id(job_id, "job"), parts.watch_job
        ),
        watch=lambda project: watch_job(parse_id(job_id, "job"), project, parts.watch_job),
    )


handler = lambda_handler(app)
