"""POST /api/v1/triggers → a new trigger."""

from typing import Annotated

from fastapi import Depends, Request

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import Json, build_app, lambda_handler, read_json
from triggerfish.edge.openapi import trigger
from triggerfish.edge.views import created_trigger_view
from triggerfish.usecases.create_trigger import create_trigger
from triggerfish.wiring import wiring

app = build_app()

Writer = Annotated[Principal, Depends(require("triggers:write", lambda: wiring().authenticate))]


@app.post("/api/v1/triggers", status_code=201, **trigger.create)
async def create(request: Request, caller: Writer) -> Json:
    parts = wiring()
    trigger = await create_trigger(await read_json(request), caller, parts.create_trigger)
    return Json(created_trigger_view(trigger, parts.settings.public_url), status_code=201)


handler = lambda_handler(app)
