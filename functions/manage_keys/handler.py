"""Everything below /api/v1/keys → create, list, look up, rotate and revoke API keys."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from triggerfish.domain.access import Principal
from triggerfish.edge import http
from triggerfish.edge import key_views as views
from triggerfish.edge.auth import require
from triggerfish.edge.http import Json, parse_id
from triggerfish.edge.once import once
from triggerfish.edge.openapi import api_key as docs
from triggerfish.edge.queries import PageQuery, refuse_repeats
from triggerfish.edge.views import page_view
from triggerfish.usecases.manage_keys import create_key, get_key, list_keys, revoke_key, rotate_key
from triggerfish.wiring import wiring

app = http.build_app()

Admin = Annotated[Principal, Depends(require("keys:admin", lambda: wiring().authenticate))]


@app.post("/api/v1/keys", status_code=201, **docs.create)
async def create(request: Request, caller: Admin) -> Response:
    async def make() -> Json:
        issued = await create_key(await http.read_json(request), caller, wiring().manage_keys)
        return Json(views.issued_key_view(issued), 201, views.NOT_KEPT | views.key_location(issued))

    return await once(request, caller, wiring().keyed_requests, make)


@app.get("/api/v1/keys", dependencies=[Depends(refuse_repeats)], **docs.list_)
async def list_(caller: Admin, query: Annotated[PageQuery, Query()]) -> Json:
    page = await list_keys(caller, wiring().manage_keys, limit=query.limit, cursor=query.cursor)
    return Json(page_view(page, views.key_view))


@app.get("/api/v1/keys/{key_id}", **docs.get)
async def get(key_id: str, caller: Admin) -> Json:
    key = await get_key(parse_id(key_id, "API key"), caller, wiring().manage_keys)
    return Json(views.key_view(key))


@app.post("/api/v1/keys/{key_id}/rotate", status_code=201, **docs.rotate)
async def rotate(key_id: str, request: Request, caller: Admin) -> Response:
    parts, id = wiring(), parse_id(key_id, "API key")

    async def make() -> Json:
        body = await http.read_optional_json(request)
        rotation = await rotate_key(id, body, caller, parts.manage_keys)
        return Json(
            views.rotation_view(rotation), 201, views.NOT_KEPT | views.key_location(rotation.issued)
        )

    return await once(request, caller, parts.keyed_requests, make)


@app.post("/api/v1/keys/{key_id}/revoke", **docs.revoke)
async def revoke(key_id: str, caller: Admin) -> Json:
    key = await revoke_key(parse_id(key_id, "API key"), caller, wiring().manage_keys)
    return Json(views.key_view(key))


handler = http.lambda_handler(app)
