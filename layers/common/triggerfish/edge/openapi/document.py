"""From the functions' apps to one OpenAPI 3.1 document.

A route's own operation says what is special about it. What the route itself shows is read from
it: scope, path and query parameters, and the errors that follow from having them.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from triggerfish.edge.anonymous import Limited
from triggerfish.edge.auth import Guard
from triggerfish.edge.openapi.api_docs import ASSETS
from triggerfish.edge.openapi.components import SCHEMAS, TAGS
from triggerfish.edge.openapi.errors import (
    AWAY,
    NO_KEY,
    NOT_JSON,
    OURS,
    RATE_LIMIT,
    REQUEST_ID,
    TOO_MANY,
    WRONG_QUERY,
    described_errors,
    no_scope,
    not_found,
    too_large,
    usual_responses,
)
from triggerfish.edge.openapi.operation import Refusal
from triggerfish.edge.openapi.schema import ID, TEXT, Schema, described, one_of
from triggerfish.edge.openapi.webhook import OUTGOING

VERSION = "1"
ABOUT = """\
Event triggers: fire on a schedule or by webhook, deliver over HTTP with retries and signatures.

- Bodies are JSON; texts are UTF-8 without U+0000 and lone surrogates. Times are RFC 3339.
- Every answer carries `x-request-id`. Every error has the one shape `Error`; a method that a path
  does not have is answered `405` with `Allow`.
- Every `GET` has its `HEAD`, and every path answers `OPTIONS`. Webhook calls and uploads may come
  in `Content-Encoding: gzip`; answers of 1 KiB and more go out in it to clients that accept it.
- Lists come in pages, newest first: pass `next_cursor` on as `cursor` until it is null.
"""
# Path parameter → the noun it names, and its schema.
PARAMETERS: dict[str, tuple[str, Schema]] = {
    "trigger_id": ("trigger", ID),
    "event_id": ("event", ID),
    "key_id": ("API key", ID),
    "id": ("event", ID),
    "job_id": ("job", ID),
    "token": ("webhook", described(TEXT, "The end of the trigger's `webhook_url`.")),
    "asset": ("document", one_of(*ASSETS)),
}
SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same, where `Authorization` is taken.",
    },
}


def merged(apps: Iterable[FastAPI]) -> dict[str, Any]:
    """The document of all the apps' routes. Raises ValueError for a route without an operation."""
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(_routes(apps), key=lambda route: route.path):
        for method in sorted(route.methods or ()):
            paths.setdefault(route.path, {})[method.lower()] = describe(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Triggerfish", "version": VERSION, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "webhooks": OUTGOING,
        "components": {
            "schemas": SCHEMAS,
            "responses": usual_responses(),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def describe(route: APIRoute) -> dict[str, Any]:
    """The Operation Object of a route."""
    if route.operation_id is None or route.openapi_extra is None:
        raise ValueError(f"{route.path} says nothing of itself: pass it an operation")
    own = route.openapi_extra
    guard = next(iter(_guards(route)), None)
    found = {
        "operationId": route.operation_id,
        "tags": route.tags,
        "summary": route.summary,
        "description": route.description,
        "security": [{name: [guard.scope]} for name in SECURITY_SCHEMES] if guard else [],
        "parameters": [*_path(route), *_query(route), *_headers(own["headers"])],
        "requestBody": own["body"] and own["body"].described(),
        "responses": _responses(route, guard),
    }
    return {name: value for name, value in found.items() if value or name == "security"}


def _routes(apps: Iterable[FastAPI]) -> Iterator[APIRoute]:
    return (route for app in apps for route in app.routes if isinstance(route, APIRoute))


def _guards(route: APIRoute) -> Iterator[Guard]:
    calls = (dependency.call for dependency in route.dependant.dependencies)
    return (call for call in calls if isinstance(call, Guard))


def _names(route: APIRoute) -> list[str]:
    return re.findall(r"{(\w+)}", route.path)


def _path(route: APIRoute) -> Iterator[dict[str, Any]]:
    for name in _names(route):
        yield {"name": name, "in": "path", "required": True, "schema": PARAMETERS[name][1]}


def _query(route: APIRoute) -> list[dict[str, Any]]:
    """As FastAPI describes it, but for null: what a query does not give, it leaves out."""
    paths = get_openapi(title="", version="", routes=[route])["paths"]
    [operation] = paths[route.path].values()
    found = (one for one in operation.get("parameters", []) if one["in"] == "query")
    return [_plain(parameter) for parameter in found]


def _plain(parameter: dict[str, Any]) -> dict[str, Any]:
    """Its schema without title and null, its description said once."""
    schema: Schema = parameter["schema"]
    only: Schema
    [only] = [one for one in schema.get("anyOf", [{}]) if one != {"type": "null"}]
    schema = schema | only
    if "description" not in schema:
        raise ValueError(f"the query parameter {parameter['name']} has no description")
    left = {name: schema[name] for name in schema if name not in ("title", "anyOf", "description")}
    return parameter | {"description": schema["description"], "schema": left}


def _headers(headers: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for name, rest in headers.items():
        yield {"name": name, "in": "header", "required": False, **rest}


def _responses(route: APIRoute, guard: Guard | None) -> dict[str, Any]:
    answers = (route.openapi_extra or {})["answers"]
    usual = REQUEST_ID | RATE_LIMIT if _is_limited(route, guard) else REQUEST_ID
    successes = {
        str(status): _with_headers(answer.described(), usual) for status, answer in answers.items()
    }
    return successes | described_errors(
        refusal for refusal in _refusals(route, guard) if refusal.status not in answers
    )


def _with_headers(response: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    return response | {"headers": response["headers"] | usual}


def _is_limited(route: APIRoute, guard: Guard | None) -> bool:
    by_address = any(isinstance(one.call, Limited) for one in route.dependant.dependencies)
    return guard is not None or by_address or "token" in _names(route)


def _refusals(route: APIRoute, guard: Guard | None) -> Iterator[Refusal]:
    """Its own, and those that every route with such parameters, body or guard has."""
    own = route.openapi_extra or {}
    if own["body"]:
        yield Refusal(400, own["body"].message, own["body"].details)
        yield from (too_large(own["body"].max_bytes), NOT_JSON)
    if _query(route):
        yield WRONG_QUERY
    if guard:
        yield from (NO_KEY, no_scope(guard.scope))
    yield from (not_found(PARAMETERS[name][0]) for name in _names(route))
    yield from own["refusals"]
    if _is_limited(route, guard):
        yield from (TOO_MANY, AWAY)
    yield OURS
