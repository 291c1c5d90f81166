"""GET /health…, /metrics and /api/v1/metrics → how the platform is; any unknown path → 404."""

from typing import Annotated

from fastapi import Depends, Query, Response

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import Json, build_app, lambda_handler
from triggerfish.edge.metrics_view import project_metrics_view
from triggerfish.edge.openapi import observation as docs
from triggerfish.edge.openapi import page
from triggerfish.edge.prometheus import CONTENT_TYPE, render
from triggerfish.edge.queries import HoursQuery, refuse_repeats
from triggerfish.usecases.observe import Health, check_health, read_metrics
from triggerfish.usecases.read_project_metrics import read_project_metrics
from triggerfish.wiring import wiring

app = build_app(near_path=page.near_path)

Reader = Annotated[Principal, Depends(require("events:read", lambda: wiring().authenticate))]


@app.get("/health/live", **docs.live)
async def live() -> Json:
    return Json({"status": "up"})


@app.get("/health/ready", **docs.ready)
async def ready() -> Json:
    health = await check_health(wiring().observe)
    return _answer(health, up=health.ready)


@app.get("/health", **docs.health)
async def health() -> Json:
    health = await check_health(wiring().observe)
    return _answer(health, up=health.healthy)


@app.get("/metrics", **docs.metrics)
async def metrics() -> Response:
    reading = await read_metrics(wiring().observe)
    return Response(render(reading), media_type=CONTENT_TYPE)


@app.get("/api/v1/metrics", dependencies=[Depends(refuse_repeats)], **docs.project_metrics)
async def project_metrics(caller: Reader, query: Annotated[HoursQuery, Query()]) -> Json:
    reading = await read_project_metrics(query.hours, caller, wiring().project_metrics)
    return Json(project_metrics_view(reading))


def _answer(health: Health, *, up: bool) -> Json:
    components = {
        part.name: {"status": "up" if part.up else "down", "reason": part.reason}
        for part in health.components
    }
    body = {"status": "up" if up else "down", "components": components}
    return Json(body, 200 if up else 503)


handler = lambda_handler(app)
