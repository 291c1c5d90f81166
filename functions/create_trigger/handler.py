"""POST /api/v1/triggers, /api/v1/triggers/batch → new triggers."""

from typing import Annotated

from fastapi import Depends, Request, Response

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import (
    MAX_BATCH_BYTES,
    Json,
    build_app,
    lambda_handler,
    read_batch,
    read_json,
)
from triggerfish.edge.once import once
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
async def create(request: Request, caller: Writer) -> Response:
    parts = wiring()

    async def make() -> Json:
        trigger = await create_trigger(await read_json(request), caller, parts.create_trigger)
        view = created_trigger_view(trigger, parts.settings.public_url) | warnings_view(trigger)
        return Json(view, 201, {"location": f"/api/v1/triggers/{trigger.id}"})

    return await once(request, caller, parts.keyed_requests, make)


@app.post("/api/v1/triggers/batch", **trigger_batch.create)
async def create_many(request: Request, caller: Writer) -> Response:
    parts, id = wiring(), request_id(request.scope)

    async def make() -> Json:
        batch = read_model(TriggerBatch, await read_batch(request))
        results = await create_triggers(batch.triggers, caller, parts.create_trigger)
        return Json(created_triggers_view(results, parts.settings.public_url, request_id=id))

    keyed = parts.keyed_requests
    return await once(request, caller, keyed, make, max_bytes=MAX_BATCH_BYTES)


handler = lambda_handler(app)
