"""GET /openapi.json, /docs and /docs/{asset} → the API's description, and a page to read it."""

from fastapi import Response

from triggerfish.domain.errors import NotFound
from triggerfish.edge.http import build_app, lambda_handler
from triggerfish.edge.openapi import api_docs, page

app = build_app()


@app.get("/openapi.json", **api_docs.document)
async def document() -> Response:
    return page.answer(page.document())


@app.get("/docs", **api_docs.page)
async def docs() -> Response:
    return page.answer(page.page(), **{"content-security-policy": page.POLICY})


@app.get("/docs/{asset}", **api_docs.asset)
async def asset(asset: str) -> Response:
    if asset not in page.assets():
        raise NotFound("There is no such document.")
    return page.answer(page.assets()[asset])


handler = lambda_handler(app)
