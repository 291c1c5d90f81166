"""/api/v1/projects → create and list projects: for who runs the platform."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import Json, build_app, lambda_handler, read_json
from triggerfish.edge.key_views import NOT_KEPT, new_project_view, project_view
from triggerfish.edge.once import once
from triggerfish.edge.openapi import project
from triggerfish.edge.queries import PageQuery, refuse_repeats
from triggerfish.edge.views import page_view
from triggerfish.usecases.manage_projects import create_project, list_projects
from triggerfish.wiring import wiring

app = build_app()

LISTED = {"location": "/api/v1/projects"}  # a project is looked up in the list only

Operator = Annotated[Principal, Depends(require("projects:admin", lambda: wiring().authenticate))]


@app.post("/api/v1/projects", status_code=201, **project.create)
async def create(request: Request, caller: Operator) -> Response:
    parts = wiring()

    async def make() -> Json:
        new = await create_project(await read_json(request), parts.manage_projects)
        return Json(new_project_view(new), 201, NOT_KEPT | LISTED)

    return await once(request, caller, parts.keyed_requests, make)


@app.get("/api/v1/projects", dependencies=[Depends(refuse_repeats)], **project.list_)
async def list_(caller: Operator, query: Annotated[PageQuery, Query()]) -> Json:
    page = await list_projects(wiring().manage_projects, limit=query.limit, cursor=query.cursor)
    return Json(page_view(page, project_view))


handler = lambda_handler(app)
