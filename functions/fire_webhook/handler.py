"""POST /api/v1/webhook/{token} → an event, accepted once it is committed."""

from fastapi import Request

from triggerfish.domain.trigger import MAX_PAYLOAD_BYTES
from triggerfish.edge.http import Json, build_app, lambda_handler, read_body
from triggerfish.usecases.fire_webhook import fire_webhook
from triggerfish.wiring import wiring

app = build_app()


@app.post("/api/v1/webhook/{token}", status_code=202)
async def fire(request: Request) -> Json:
    body = await read_body(request, MAX_PAYLOAD_BYTES)
    event_id = await fire_webhook(request.path_params["token"], body, wiring().fire_webhook)
    return Json({"event_id": str(event_id), "status": "pending"}, status_code=202)


handler = lambda_handler(app)
