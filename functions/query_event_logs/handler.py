"""GET below /api/v1/event-logs → what fired, and what came of it."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.etag import conditional
from triggerfish.edge.http import Json, build_app, lambda_handler, parse_id
from triggerfish.edge.openapi import event_log as docs
from triggerfish.edge.queries import EventLogQuery, HoursQuery, chosen, refuse_repeats
from triggerfish.edge.views import (
    event_log_detail,
    event_log_view,
    event_summary_view,
    page_view,
)
from triggerfish.usecases.query_event_logs import get_event_log, list_event_logs
from triggerfish.usecases.summarise_events import summarise_events
from triggerfish.wiring import wiring

app = build_app()

Reader = Annotated[Principal, Depends(require("events:read", lambda: wiring().authenticate))]


@app.get("/api/v1/event-logs", dependencies=[Depends(refuse_repeats)], **docs.list_)
async def list_(
    request: Request, caller: Reader, query: Annotated[EventLogQuery, Query()]
) -> Response:
    page = await list_event_logs(
        caller,
        *chosen(query),
        wiring().query_event_logs,
        limit=query.limit,
        cursor=query.cursor,
    )
    return conditional(request, page_view(page, event_log_view))


@app.get("/api/v1/event-logs/summary", dependencies=[Depends(refuse_repeats)], **docs.summary)
async def summary(caller: Reader, query: Annotated[HoursQuery, Query()]) -> Json:
    found = await summarise_events(query.hours, caller, wiring().summarise_events)
    return Json(event_summary_view(found))


@app.get("/api/v1/event-logs/{event_id}", **docs.get)
async def get(request: Request, event_id: str, caller: Reader) -> Response:
    seen = await get_event_log(parse_id(event_id, "event"), caller, wiring().query_event_logs)
    return conditional(request, event_log_detail(seen))


handler = lambda_handler(app)
