"""POST /api/v1/triggers/{id}/pause, /resume, /release-held, /rotate-… → steer a trigger."""

from typing import Annotated

from fastapi import Depends, Request

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import Json, build_app, lambda_handler, parse_id, read_optional_json
from triggerfish.edge.openapi import disabled_trigger, signing_secret, webhook_url
from triggerfish.edge.openapi import trigger as docs
from triggerfish.edge.trigger_views import new_secret_view, rotated_view
from triggerfish.edge.views import trigger_view
from triggerfish.usecases.change_trigger import pause_trigger, resume_trigger
from triggerfish.usecases.release_held import release_held
from triggerfish.usecases.rotate_secret import rotate_secret
from triggerfish.usecases.rotate_url import rotate_url
from triggerfish.wiring import wiring

app = build_app()

Writer = Annotated[Principal, Depends(require("triggers:write", lambda: wiring().authenticate))]


@app.post("/api/v1/triggers/{trigger_id}/pause", **docs.pause)
async def pause(trigger_id: str, caller: Writer) -> Json:
    parts = wiring()
    trigger = await pause_trigger(parse_id(trigger_id, "trigger"), caller, parts.change_trigger)
    return Json(trigger_view(trigger, parts.settings.public_url))


@app.post("/api/v1/triggers/{trigger_id}/resume", **docs.resume)
async def resume(trigger_id: str, caller: Writer) -> Json:
    parts = wiring()
    trigger = await resume_trigger(parse_id(trigger_id, "trigger"), caller, parts.change_trigger)
    return Json(trigger_view(trigger, parts.settings.public_url))


@app.post("/api/v1/triggers/{trigger_id}/release-held", status_code=202, **disabled_trigger.release)
async def release(trigger_id: str, caller: Writer) -> Json:
    id = parse_id(trigger_id, "trigger")
    released = await release_held(id, caller, wiring().release_held)
    return Json({"released": released}, status_code=202)


@app.post("/api/v1/triggers/{trigger_id}/rotate-url", **webhook_url.rotate)
async def rotate(trigger_id: str, request: Request, caller: Writer) -> Json:
    parts = wiring()
    id = parse_id(trigger_id, "trigger")
    rotated = await rotate_url(id, await read_optional_json(request), caller, parts.rotate_url)
    return Json(rotated_view(rotated, parts.settings.public_url))


@app.post("/api/v1/triggers/{trigger_id}/rotate-secret", **signing_secret.rotate)
async def rotate_signing_secret(trigger_id: str, request: Request, caller: Writer) -> Json:
    parts = wiring()
    id = parse_id(trigger_id, "trigger")
    body = await read_optional_json(request)
    trigger = await rotate_secret(id, body, caller, parts.rotate_secret)
    return Json(new_secret_view(trigger, parts.settings.public_url))


handler = lambda_handler(app)
