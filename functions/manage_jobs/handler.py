"""GET and DELETE below /api/v1/jobs → import jobs, the entries they read, their bad lines."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from triggerfish.domain.access import Principal
from triggerfish.domain.job import LineFilter
from triggerfish.edge.auth import require
from triggerfish.edge.etag import conditional, unless_stale, version_of
from triggerfish.edge.http import Json, build_app, lambda_handler, parse_id
from triggerfish.edge.job_queries import EntryQuery, JobQuery, LineQuery
from triggerfish.edge.job_views import entry_view, job_view, line_error_view
from triggerfish.edge.openapi import job as docs
from triggerfish.edge.queries import refuse_repeats
from triggerfish.edge.views import page_view
from triggerfish.usecases import manage_jobs as jobs
from triggerfish.wiring import wiring

app = build_app()

Reader = Annotated[Principal, Depends(require("jobs:read", lambda: wiring().authenticate))]
Writer = Annotated[Principal, Depends(require("jobs:write", lambda: wiring().authenticate))]
ONCE = [Depends(refuse_repeats)]


@app.get("/api/v1/jobs", dependencies=ONCE, **docs.list_)
async def list_(caller: Reader, query: Annotated[JobQuery, Query()]) -> Json:
    d = wiring().manage_jobs
    page = await jobs.list_jobs(
        caller, d, status=query.status, limit=query.limit, cursor=query.cursor
    )
    return Json(page_view(page, job_view))


@app.get("/api/v1/jobs/{job_id}", **docs.get)
async def get(request: Request, job_id: str, caller: Reader) -> Response:
    job = await jobs.get_job(parse_id(job_id, "job"), caller, wiring().manage_jobs)
    return conditional(request, job_view(job), version=version_of(job.status))


@app.get("/api/v1/jobs/{job_id}/entries", dependencies=ONCE, **docs.entries)
async def entries(job_id: str, caller: Reader, query: Annotated[EntryQuery, Query()]) -> Json:
    id, d = parse_id(job_id, "job"), wiring().manage_jobs
    filter = LineFilter(query.level, query.since, query.until, query.text)
    page = await jobs.list_entries(id, filter, caller, d, limit=query.limit, cursor=query.cursor)
    return Json(page_view(page, entry_view))


@app.get("/api/v1/jobs/{job_id}/errors", dependencies=ONCE, **docs.errors)
async def errors(job_id: str, caller: Reader, query: Annotated[LineQuery, Query()]) -> Json:
    id, d = parse_id(job_id, "job"), wiring().manage_jobs
    page = await jobs.list_errors(id, caller, d, limit=query.limit, cursor=query.cursor)
    return Json(page_view(page, line_error_view))


@app.delete("/api/v1/jobs/{job_id}", status_code=204, **docs.delete)
async def delete(request: Request, job_id: str, caller: Writer) -> Response:
    id, d, check = parse_id(job_id, "job"), wiring().manage_jobs, unless_stale(request)
    check(version_of((await jobs.get_job(id, caller, d)).status))
    await jobs.delete_job(id, caller, d)
    return Response(status_code=204)


handler = lambda_handler(app)
