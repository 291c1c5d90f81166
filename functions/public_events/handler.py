"""GET below /public/events → what everybody may read of the catalogue."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from triggerfish.edge.anonymous import Limited
from triggerfish.edge.catalogue_queries import PublicEventQuery
from triggerfish.edge.catalogue_views import public_event_view, public_page_view
from triggerfish.edge.etag import OF_EVERYBODY, conditional
from triggerfish.edge.http import build_app, lambda_handler, parse_id
from triggerfish.edge.openapi import catalogue
from triggerfish.edge.queries import refuse_repeats
from triggerfish.usecases.public_events import get_public_event, list_public_events
from triggerfish.wiring import wiring

app = build_app()

LIMITED = Depends(Limited(lambda: wiring().public_rates))


@app.get("/public/events", dependencies=[LIMITED, Depends(refuse_repeats)], **catalogue.list_public)
async def list_(request: Request, query: Annotated[PublicEventQuery, Query()]) -> Response:
    wanted, d = query.wanted(), wiring().public_events
    page = await list_public_events(wanted, d, page=query.page, limit=query.limit)
    return conditional(request, public_page_view(page), OF_EVERYBODY)


@app.get("/public/events/{id}", dependencies=[LIMITED], **catalogue.get_public)
async def get(id: str, request: Request) -> Response:
    event = await get_public_event(parse_id(id, "event"), wiring().public_events)
    return conditional(request, public_event_view(event), OF_EVERYBODY)


handler = lambda_handler(app)
