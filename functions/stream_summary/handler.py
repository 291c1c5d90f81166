"""GET /public/events/{id}/summary → a public event in words, streamed (Server-Sent Events)."""

from datetime import timedelta

from fastapi import Depends, Request, Response

from triggerfish.edge.anonymous import Limited, source_of
from triggerfish.edge.http import build_app, lambda_handler, parse_id
from triggerfish.edge.openapi import catalogue
from triggerfish.edge.sse import EventStream, is_buffered
from triggerfish.usecases.stream_summary import find_summary, stream_summary
from triggerfish.wiring import wiring

app = build_app()

LIMITED = Depends(Limited(lambda: wiring().public_rates))


@app.get("/public/events/{id}/summary", dependencies=[LIMITED], **catalogue.summary)
async def summary(id: str, request: Request) -> Response:
    parts = wiring()
    found = await find_summary(parse_id(id, "event"), parts.stream_summary)
    delay = timedelta() if is_buffered(request) else parts.settings.summary_delay
    pieces = stream_summary(found, parts.stream_summary, delay=delay)
    headers = {"x-summary-cache": "HIT" if found.hit else "MISS"}
    places, source = parts.summary_streams, source_of(request)
    return EventStream(pieces, places.hold(), places.hold_of(source), headers=headers)


handler = lambda_handler(app)
