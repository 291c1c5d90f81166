"""GET /health… and /metrics → how the platform is; any unknown path → 404."""

from fastapi import Response

from triggerfish.edge.http import Json, build_app, lambda_handler
from triggerfish.edge.prometheus import CONTENT_TYPE, render
from triggerfish.usecases.observe import Health, check_health, read_metrics
from triggerfish.wiring import wiring

app = build_app()


@app.get("/health/live")
async def live() -> Json:
    return Json({"status": "up"})


@app.get("/health/ready")
async def ready() -> Json:
    health = await check_health(wiring().observe)
    return _answer(health, up=health.ready)


@app.get("/health")
async def health() -> Json:
    health = await check_health(wiring().observe)
    return _answer(health, up=health.healthy)


@app.get("/metrics")
async def metrics() -> Response:
    reading = await read_metrics(wiring().observe)
    return Response(render(reading), media_type=CONTENT_TYPE)


def _answer(health: Health, *, up: bool) -> Json:
    components = {
        part.name: {"status": "up" if part.up else "down", "reason": part.reason}
        for part in health.components
    }
    body = {"status": "up" if up else "down", "components": components}
    return Json(body, 200 if up else 503)


handler = lambda_handler(app)
