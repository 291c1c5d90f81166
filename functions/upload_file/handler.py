"""POST /api/v1/files/upload → a file in the object store, and a job that imports it."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import Json, build_app, lambda_handler
from triggerfish.edge.job_queries import UploadQuery
from triggerfish.edge.job_views import queued_view
from triggerfish.edge.multipart import UploadedFile
from triggerfish.edge.once import once
from triggerfish.edge.openapi import job as docs
from triggerfish.edge.queries import refuse_repeats
from triggerfish.usecases.upload_file import upload_file
from triggerfish.wiring import wiring

app = build_app(inflates=True)

Writer = Annotated[Principal, Depends(require("jobs:write", lambda: wiring().authenticate))]

ONCE = [Depends(refuse_repeats)]


@app.post("/api/v1/files/upload", status_code=202, dependencies=ONCE, **docs.upload)
async def upload(
    request: Request, caller: Writer, query: Annotated[UploadQuery, Query()]
) -> Response:
    parts = wiring()
    d = parts.upload_file
    file = UploadedFile(request, max_bytes=d.max_bytes)

    async def make() -> Json:
        job = await upload_file(
            await file.name(), file.chunks(), caller, d, on_complete=query.on_complete
        )
        return Json(queued_view(job), 202, {"location": f"/api/v1/jobs/{job.id}"})

    return await once(request, caller, parts.keyed_requests, make, fingerprint=file.fingerprint)


handler = lambda_handler(app)
