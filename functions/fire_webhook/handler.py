"""POST /api/v1/webhook/{token} → an event, accepted once it is committed."""

from fastapi import Request

from triggerfish.domain.idempotency import HEADER, keyed_request
from triggerfish.domain.trigger import MAX_PAYLOAD_BYTES
from triggerfish.edge.http import Json, all_headers, build_app, lambda_handler, read_body
from triggerfish.edge.openapi import webhook
from triggerfish.usecases.fire_webhook import fire_webhook
from triggerfish.wiring import wiring

app = build_app(inflates=True)


@app.post("/api/v1/webhook/{token}", status_code=202, **webhook.fire)
async def fire(request: Request) -> Json:
    body = await read_body(request, MAX_PAYLOAD_BYTES)
    keyed = keyed_request(request.headers.getlist(HEADER), body)
    token = request.path_params["token"]
    accepted = await fire_webhook(
        token, body, wiring().fire_webhook, headers=all_headers(request), request=keyed
    )
    # A repeated call is answered as the first was, whatever has become of the event since.
    headers = {"idempotent-replayed": "true"} if accepted.repeated else None
    answer = {"event_id": str(accepted.event_id), "status": "pending"}
    return Json(answer, status_code=202, headers=headers)


handler = lambda_handler(app)
