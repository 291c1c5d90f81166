"""GET, PATCH and DELETE below /api/v1/triggers → list, look up, edit and delete triggers."""

from functools import partial
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.etag import conditional, tagged
from triggerfish.edge.http import Json, build_app, lambda_handler, parse_id, read_json
from triggerfish.edge.openapi import trigger as docs
from triggerfish.edge.queries import TriggerQuery, refuse_repeats
from triggerfish.edge.trigger_views import trigger_check, trigger_version
from triggerfish.edge.views import page_view, trigger_view, warnings_view
from triggerfish.usecases.change_trigger import update_trigger
from triggerfish.usecases.manage_triggers import delete_trigger, get_trigger, list_triggers
from triggerfish.wiring import wiring

app = build_app(elsewhere={"/api/v1/triggers": "POST"})

Reader = Annotated[Principal, Depends(require("triggers:read", lambda: wiring().authenticate))]
Writer = Annotated[Principal, Depends(require("triggers:write", lambda: wiring().authenticate))]


@app.get("/api/v1/triggers", dependencies=[Depends(refuse_repeats)], **docs.list_)
async def list_(
    request: Request, caller: Reader, query: Annotated[TriggerQuery, Query()]
) -> Response:
    parts = wiring()
    page = await list_triggers(caller, parts.manage_triggers, **dict(query))
    view = partial(trigger_view, public_url=parts.settings.public_url)
    return conditional(request, page_view(page, view))


@app.get("/api/v1/triggers/{trigger_id}", **docs.get)
async def get(request: Request, trigger_id: str, caller: Reader) -> Response:
    parts = wiring()
    trigger = await get_trigger(parse_id(trigger_id, "trigger"), caller, parts.manage_triggers)
    view = trigger_view(trigger, parts.settings.public_url)
    return conditional(request, view, version=trigger_version(trigger))


@app.patch("/api/v1/triggers/{trigger_id}", **docs.update)
async def update(trigger_id: str, request: Request, caller: Writer) -> Json:
    parts = wiring()
    id = parse_id(trigger_id, "trigger")
    check = trigger_check(request)
    body = await read_json(request)
    trigger = await update_trigger(id, body, caller, parts.change_trigger, check=check)
    view = trigger_view(trigger, parts.settings.public_url) | warnings_view(trigger)
    return tagged(Json(view), trigger_version(trigger))


@app.delete("/api/v1/triggers/{trigger_id}", status_code=204, **docs.delete)
async def delete(trigger_id: str, request: Request, caller: Writer) -> Response:
    id, check = parse_id(trigger_id, "trigger"), trigger_check(request)
    given = check if "if-match" in request.headers else None
    await delete_trigger(id, caller, wiring().manage_triggers, check=given)
    return Response(status_code=204)


handler = lambda_handler(app)
