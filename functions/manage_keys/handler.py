"""Everything below /api/v1/keys → create, list, look up, rotate and revoke API keys."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import (
    Json,
    build_app,
    lambda_handler,
    parse_id,
    read_json,
    read_optional_json,
)
from triggerfish.edge.key_views import (
    NOT_KEPT,
    issued_key_view,
    key_location,
    key_view,
    rotation_view,
)
from triggerfish.edge.once import once
from triggerfish.edge.openapi import api_key as docs
from triggerfish.edge.queries import PageQuery, refuse_repeats
from triggerfish.edge.views import page_view
from triggerfish.usecases.manage_keys import create_key, get_key, list_keys, revoke_key, rotate_key
from triggerfish.wiring import wiring

app = build_app()

Admin = Annotated[Principal, Depends(require("keys:admin", lambda: wiring().authenticate))]


@app.post("/api/v1/keys", status_code=201, **docs.create)
async def create(request: Request, caller: Admin) -> Response:
    parts = wiring()

    async def make() -> Json:
        issued = await create_key(await read_json(request), caller, parts.manage_keys)
        return Json(issued_key_view(issued), 201, NOT_KEPT | key_location(issued))

    return await once(request, caller, parts.keyed_requests, make)


@app.get("/api/v1/keys", dependencies=[Depends(refuse_repeats)], **docs.list_)
async def list_(caller: Admin, query: Annotated[PageQuery, Query()]) -> Json:
    deps = wiring().manage_keys
    page = await list_keys(caller, deps, limit=query.limit, cursor=query.cursor)
    return Json(page_view(page, key_view))


@app.get("/api/v1/keys/{key_id}", **docs.get)
async def get(key_id: str, caller: Admin) -> Json:
    key = await get_key(parse_id(key_id, "API key"), caller, wiring().manage_keys)
    return Json(key_view(key))


@app.post("/api/v1/keys/{key_id}/rotate", status_code=201, **docs.rotate)
async def rotate(key_id: str, request: Request, caller: Admin) -> Response:
    parts, id = wiring(), parse_id(key_id, "API key")

    async def make() -> Json:
        body = await read_optional_json(request)
        rotation = await rotate_key(id, body, caller, parts.manage_keys)
        return Json(rotation_view(rotation), 201, NOT_KEPT | key_location(rotation.issued))

    return await once(request, caller, parts.keyed_requests, make)


@app.post("/api/v1/keys/{key_id}/revoke", **docs.revoke)
async def revoke(key_id: str, caller: Admin) -> Json:
    key = await revoke_key(parse_id(key_id, "API key"), caller, wiring().manage_keys)
    return Json(key_view(key))


handler = lambda_handler(app)
