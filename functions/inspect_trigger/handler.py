"""Revisions, next fires and explanations of a trigger; previews of a schedule. Changes nothing."""

from typing import Annotated

from fastapi import Depends, Query, Request

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import Json, build_app, lambda_handler, parse_id, read_json
from triggerfish.edge.openapi import schedule
from triggerfish.edge.openapi import trigger_inspection as docs
from triggerfish.edge.queries import CountQuery, PageQuery, refuse_repeats
from triggerfish.edge.trigger_views import explanation_view, fires_view, revision_view
from triggerfish.edge.views import page_view
from triggerfish.usecases.inspect_trigger import (
    gather_evidence,
    list_next_fires,
    list_revisions,
    preview_schedule,
)
from triggerfish.wiring import wiring

app = build_app()

Reader = Annotated[Principal, Depends(require("triggers:read", lambda: wiring().authenticate))]
ONCE = [Depends(refuse_repeats)]


@app.get("/api/v1/triggers/{trigger_id}/revisions", dependencies=ONCE, **docs.revisions)
async def revisions(trigger_id: str, caller: Reader, query: Annotated[PageQuery, Query()]) -> Json:
    id, d = parse_id(trigger_id, "trigger"), wiring().inspect_trigger
    page = await list_revisions(id, caller, d, limit=query.limit, cursor=query.cursor)
    return Json(page_view(page, revision_view))


@app.get("/api/v1/triggers/{trigger_id}/next-fires", dependencies=ONCE, **docs.next_fires)
async def next_fires(
    trigger_id: str, caller: Reader, query: Annotated[CountQuery, Query()]
) -> Json:
    id, d = parse_id(trigger_id, "trigger"), wiring().inspect_trigger
    return Json(fires_view(await list_next_fires(id, caller, d, count=query.count)))


@app.get("/api/v1/triggers/{trigger_id}/explain", **docs.explain)
async def explain(trigger_id: str, caller: Reader) -> Json:
    id, d = parse_id(trigger_id, "trigger"), wiring().inspect_trigger
    return Json(explanation_view(await gather_evidence(id, caller, d)))


@app.post("/api/v1/schedules/preview", **schedule.preview)
async def preview(request: Request, _: Reader) -> Json:
    return Json(fires_view(preview_schedule(await read_json(request), wiring().inspect_trigger)))


handler = lambda_handler(app)
