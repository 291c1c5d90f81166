"""/events → create, change and list the events of the catalogue: for the team that manages it."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.catalogue_queries import EventQuery
from triggerfish.edge.catalogue_views import event_page_view, event_view
from triggerfish.edge.etag import tagged, unless_stale
from triggerfish.edge.http import Json, build_app, lambda_handler, parse_id, read_json
from triggerfish.edge.once import once
from triggerfish.edge.openapi import catalogue
from triggerfish.edge.queries import refuse_repeats
from triggerfish.usecases.manage_events import change_catalogue_event, create_event, list_events
from triggerfish.wiring import wiring

app = build_app()

Manager = Annotated[
    Principal, Depends(require("catalogue:admin", lambda: wiring().authenticate_for_catalogue))
]


@app.post("/events", status_code=201, **catalogue.create)
async def create(request: Request, caller: Manager) -> Response:
    parts = wiring()

    async def make() -> Json:
        event = await create_event(await read_json(request), caller, parts.manage_events)
        location = {"location": f"/events/{event.id}"}
        return tagged(Json(event_view(event, parts.clock.now()), 201, location), str(event.version))

    return await once(request, caller, parts.keyed_requests, make)


@app.get("/events", dependencies=[Depends(refuse_repeats)], **catalogue.list_)
async def list_(caller: Manager, query: Annotated[EventQuery, Query()]) -> Json:
    parts = wiring()
    wanted = query.wanted()
    d = parts.manage_events
    page = await list_events(wanted, caller, d, page=query.page, limit=query.limit)
    return Json(event_page_view(page, parts.clock.now()))


@app.patch("/events/{id}", **catalogue.change)
async def change(id: str, request: Request, _: Manager) -> Json:
    parts = wiring()
    event_id = parse_id(id, "event")
    body, check = await read_json(request), unless_stale(request)
    event = await change_catalogue_event(
        event_id, body, parts.manage_events, check=lambda event: check(str(event.version))
    )
    return tagged(Json(event_view(event, parts.clock.now())), str(event.version))


handler = lambda_handler(app)
