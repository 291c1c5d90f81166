"""The files behind /openapi.json and /docs: all of them ours to serve, none from elsewhere."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson
from fastapi import Response

from triggerfish.edge.near_paths import NearPaths

OURS = files("triggerfish.edge.openapi") / "files"
SWAGGER_UI = files("fastapi_swagger") / "resources"  # a release of swagger-ui-dist as it is

HEADERS = {
    "cache-control": "public, max-age=300",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
# Swagger UI sets styles by script and shows icons of its own as data; nothing leaves this origin.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class File:
    content: bytes
    media_type: str


@cache
def document() -> File:
    return File((OURS / "openapi.json").read_bytes(), "application/json")


def near_path(path: str) -> str | None:
    """The path of the API that a wrong one was probably meant to be."""
    return _paths().find(path)


@cache
def _paths() -> NearPaths:
    return NearPaths(orjson.loads(document().content)["paths"])


@cache
def page() -> File:
    return File((OURS / "docs.html").read_bytes(), "text/html; charset=utf-8")


@cache
def assets() -> dict[str, File]:
    """What the page loads, by name."""
    return {
        "init.js": File((OURS / "init.js").read_bytes(), "text/javascript"),
        "swagger-ui-bundle.js": _swagger_ui("swagger-ui-bundle.js", "text/javascript"),
        "swagger-ui.css": _swagger_ui("swagger-ui.css", "text/css"),
        "favicon.png": _swagger_ui("favicon-32x32.png", "image/png"),
    }


def answer(file: File, **headers: str) -> Response:
    return Response(file.content, media_type=file.media_type, headers=HEADERS | headers)


def _swagger_ui(name: str, media_type: str) -> File:
    return File((SWAGGER_UI / name).read_bytes(), media_type)
