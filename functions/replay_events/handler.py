"""POST …/event-logs/{event_id}/replay and …/event-logs/replay → events sent again."""

from typing import Annotated

from fastapi import Depends, Request, Response

from triggerfish.domain.access import Principal
from triggerfish.domain.retry import WhichEndpoint
from triggerfish.edge.auth import require
from triggerfish.edge.http import (
    Json,
    build_app,
    lambda_handler,
    parse_id,
    read_json,
    read_optional_json,
)
from triggerfish.edge.once import once
from triggerfish.edge.openapi import replay
from triggerfish.edge.queries import ReplayBody, ReplayOneBody, chosen, read_model
from triggerfish.edge.views import replay_view, replayed_view
from triggerfish.usecases.replay_events import replay_event, replay_events
from triggerfish.wiring import wiring

app = build_app()

Replayer = Annotated[Principal, Depends(require("events:replay", lambda: wiring().authenticate))]


@app.post("/api/v1/event-logs/replay", status_code=202, **replay.many)
async def many(request: Request, caller: Replayer) -> Response:
    parts = wiring()

    async def make() -> Json:
        body = read_model(ReplayBody, await read_json(request))
        replayed = await replay_events(
            caller,
            *chosen(body),
            parts.replay_events,
            limit=body.limit,
            cursor=body.cursor,
            dry_run=body.dry_run,
            endpoint=WhichEndpoint(body.endpoint),
        )
        status = 200 if body.dry_run else 202
        return Json(replayed_view(replayed, dry_run=body.dry_run), status_code=status)

    return await once(request, caller, parts.keyed_requests, make)


@app.post("/api/v1/event-logs/{event_id}/replay", status_code=202, **replay.one)
async def one(event_id: str, request: Request, caller: Replayer) -> Response:
    parts, id = wiring(), parse_id(event_id, "event")

    async def make() -> Json:
        body = read_model(ReplayOneBody, await read_optional_json(request))
        endpoint = WhichEndpoint(body.endpoint)
        replay = await replay_event(id, caller, parts.replay_events, endpoint=endpoint)
        return Json(replay_view(replay), status_code=202)

    return await once(request, caller, parts.keyed_requests, make)


handler = lambda_handler(app)
