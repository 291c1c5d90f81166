"""POST …/test-run and /api/v1/test-runs → one event, marked as a test."""

from typing import Annotated

from fastapi import Depends, Request, Response

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import (
    Json,
    build_app,
    lambda_handler,
    parse_id,
    read_json,
    read_optional_json,
)
from triggerfish.edge.once import once
from triggerfish.edge.openapi import test_run
from triggerfish.edge.views import started_test_view
from triggerfish.usecases.run_test import run_test, run_unsaved_test
from triggerfish.wiring import wiring

app = build_app()

Writer = Annotated[Principal, Depends(require("triggers:write", lambda: wiring().authenticate))]


@app.post("/api/v1/triggers/{trigger_id}/test-run", status_code=202, **test_run.of_trigger)
async def of_trigger(trigger_id: str, request: Request, caller: Writer) -> Response:
    parts, id = wiring(), parse_id(trigger_id, "trigger")

    async def make() -> Json:
        started = await run_test(id, await read_optional_json(request), caller, parts.run_test)
        return Json(started_test_view(started), status_code=202)

    return await once(request, caller, parts.keyed_requests, make)


@app.post("/api/v1/test-runs", status_code=202, **test_run.unsaved)
async def unsaved(request: Request, caller: Writer) -> Response:
    parts = wiring()

    async def make() -> Json:
        started = await run_unsaved_test(await read_json(request), caller, parts.run_test)
        return Json(started_test_view(started), status_code=202)

    return await once(request, caller, parts.keyed_requests, make)


handler = lambda_handler(app)
