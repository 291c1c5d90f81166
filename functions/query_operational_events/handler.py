"""GET /api/v1/operational-events → what happened to triggers by itself."""

from typing import Annotated

from fastapi import Depends, Query

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import Json, build_app, lambda_handler
from triggerfish.edge.openapi import disabled_trigger
from triggerfish.edge.queries import OperationalEventQuery, refuse_repeats
from triggerfish.edge.trigger_views import operational_event_view
from triggerfish.edge.views import page_view
from triggerfish.usecases.query_operational_events import list_operational_events
from triggerfish.wiring import wiring

app = build_app()

Reader = Annotated[Principal, Depends(require("triggers:read", lambda: wiring().authenticate))]


@app.get(
    "/api/v1/operational-events",
    dependencies=[Depends(refuse_repeats)],
    **disabled_trigger.list_,
)
async def list_(caller: Reader, query: Annotated[OperationalEventQuery, Query()]) -> Json:
    page = await list_operational_events(
        caller,
        wiring().operational_events,
        trigger_id=query.trigger_id,
        limit=query.limit,
        cursor=query.cursor,
    )
    return Json(page_view(page, operational_event_view))


handler = lambda_handler(app)
