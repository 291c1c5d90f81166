"""POST /graphql → import jobs, their counts and bad lines, in the shape that is asked for."""

from typing import Annotated

from fastapi import Depends, Request

from triggerfish.domain.access import Principal
from triggerfish.edge.auth import require
from triggerfish.edge.http import Json, build_app, lambda_handler, read_json
from triggerfish.edge.job_graphql import Context, execute
from triggerfish.edge.job_queries import GraphqlBody
from triggerfish.edge.openapi import job as docs
from triggerfish.edge.queries import read_model
from triggerfish.wiring import wiring

app = build_app()

Reader = Annotated[Principal, Depends(require("jobs:read", lambda: wiring().authenticate))]


@app.post("/graphql", **docs.graphql)
async def query(request: Request, caller: Reader) -> Json:
    body = read_model(GraphqlBody, await read_json(request, docs.MAX_QUERY_BYTES))
    context = Context(caller, wiring().manage_jobs, body.operation_name)
    return Json(await execute(body.query, body.variables, context))


handler = lambda_handler(app)
