"""POST /api/v1/triggers, /api/v1/triggers/batch → new triggers."""

from typing import Annotated

from fastapi import Depends, Request

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import Json, build_app, lambda_handler, read_batch, read_json
from triggerfish.edge.openapi import trigger as docs
from triggerfish.edge.openapi import trigger_batch
from triggerfish.edge.queries import TriggerBatch, read_model
from triggerfish.edge.request_id import request_id
from triggerfish.edge.trigger_views import created_triggers_view
from triggerfish.edge.views import created_trigger_view, warnings_view
from triggerfish.usecases.create_trigger import create_trigger, create_triggers
from triggerfish.wiring import wiring

app = build_app()

Writer = Annotated[Principal, Depends(require("triggers:write", lambda: wiring().authenticate))]


@app.post("/api/v1/triggers", status_code=201, **docs.create)
async def create(request: Request, caller: Writer) -> Json:
    parts = wiring()
    trigger = await create_trigger(await read_json(request), caller, parts.create_trigger)
    view = created_trigger_view(trigger, parts.settings.public_url)
    return Json(view | warnings_view(trigger), status_code=201)


@app.post("/api/v1/triggers/batch", **trigger_batch.create)
async def create_many(request: Request, caller: Writer) -> Json:
    parts = wiring()
    batch = read_model(TriggerBatch, await read_batch(request))
    results = await create_triggers(batch.triggers, caller, parts.create_trigger)
    id = request_id(request.scope)
    return Json(created_triggers_view(results, parts.settings.public_url, request_id=id))


handler = lambda_handler(app)
