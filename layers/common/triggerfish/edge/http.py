"""What every HTTP function shares: the app, its errors, JSON in and JSON out."""

import os
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any
from uuid import UUID

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from mangum import Mangum
from mangum.handlers import HTTPGateway
from mangum.types import LambdaConfig, LambdaContext, LambdaEvent
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from triggerfish.adapters.behind import catch_up, is_behind
from triggerfish.domain.errors import NotFound, TooLarge, TriggerfishError
from triggerfish.domain.json_payload import MAX_BATCH_NODES, MAX_DEPTH, parse_payload
from triggerfish.edge.errors import CODES, envelope, of_error
from triggerfish.edge.http_semantics import HttpSemantics
from triggerfish.edge.invalid_query import invalid_query
from triggerfish.edge.logging import configure
from triggerfish.edge.loop import own_loop, run
from triggerfish.edge.methods import methods_of
from triggerfish.edge.request_id import HEADER, RequestId, request_id

MAX_BODY_BYTES = 512 * 1024
MAX_BATCH_BYTES = 2 * 1024 * 1024

log = structlog.get_logger()


class Json(Response):
    """A JSON answer. An `orjson.Fragment` in the content goes out byte for byte."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, option=orjson.OPT_UTC_Z)


class HttpApiEvent(HTTPGateway):
    """API Gateway's event, less the headers from which Mangum reads the server's address.

    Nothing here asks for that address, and Mangum fails on `[::1]:8080`.
    """

    def __init__(self, event: LambdaEvent, context: LambdaContext, config: LambdaConfig) -> None:
        headers = {
            name: value
            for name, value in event.get("headers", {}).items()
            if name.lower() not in ("host", "x-forwarded-port")
        }
        super().__init__({**event, "headers": headers}, context, config)


def build_app(
    elsewhere: Mapping[str, str] | None = None,
    *,
    inflates: bool = False,
    near_path: Callable[[str], str | None] = lambda path: None,
) -> FastAPI:
    """An app without routes; every failure in it answers in the one error shape.

    `elsewhere` names a method that another function answers, by path: for the header `Allow`.
    An app that `inflates` takes bodies in gzip. `near_path` guesses what an unknown path was
    meant to be.
    """
    configure()
    app = FastAPI(
        default_response_class=Json,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False},  # looked up anew for every request
    )
    app.state.elsewhere = elsewhere or {}
    app.state.near_path = near_path
    app.add_middleware(
        HttpSemantics,
        methods_of=lambda scope: methods_of(app.router, scope, app.state.elsewhere),
        refuse_coding=partial(_refuse_coding, inflates=inflates),
        inflates=inflates,
    )
    app.add_middleware(RequestId, function=cache(lambda: _function_name(app)))
    app.add_exception_handler(TriggerfishError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)
    return app


class LambdaApp(Mangum):
    """An app as Lambda calls it; what its requests left behind has ended when it returns."""

    def _setup_event_loop(self) -> None:
        """Nothing: Mangum would leave a loop with who imports a function, and nobody closes it."""

    def __call__(self, event: LambdaEvent, context: LambdaContext) -> dict[str, Any]:
        loop = own_loop()
        try:
            return super().__call__(event, context)
        finally:
            if is_behind(loop):
                run(catch_up())


def _function_name(app: FastAPI) -> str:
    """On Lambda the runtime says it; elsewhere it is the folder of the module with the routes."""
    modules = (route.endpoint.__module__ for route in app.routes if isinstance(route, Route))
    folder = next(modules, "").rpartition(".")[0].rpartition(".")[2]
    return os.environ.get("AWS_LAMBDA_FUNCTION_NAME", folder)


def lambda_handler(app: FastAPI) -> Mangum:
    """The Lambda entry of an app; it carries the app itself for hosts that speak ASGI."""
    return LambdaApp(app, lifespan="off", custom_handlers=[HttpApiEvent])


async def read_body(request: Request, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The raw JSON body. Raises 415 for another content type, TooLarge beyond `max_bytes`."""
    _check_content_type(request)
    return await whole_body(request, max_bytes)


async def whole_body(request: Request, max_bytes: int) -> bytes:
    """The raw body, as often as it is asked for. Raises TooLarge beyond `max_bytes`."""
    known: bytes | None = getattr(request.state, "body", None)
    if known is None:
        known = request.state.body = await _read(request, max_bytes)
    return known


async def _read(request: Request, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise TooLarge(f"The body may have at most {max_bytes} bytes.")
    return bytes(body)


async def read_json(request: Request, max_bytes: int = MAX_BODY_BYTES) -> Any:
    """The decoded JSON body; what Postgres or a receiver could not take is InvalidInput."""
    return parse_payload(await read_body(request, max_bytes), max_bytes=max_bytes)


async def read_batch(request: Request) -> Any:
    """The decoded JSON body of a request about many; each of them is to be checked by itself."""
    return parse_payload(
        await read_body(request, MAX_BATCH_BYTES),
        max_bytes=MAX_BATCH_BYTES,
        max_depth=MAX_DEPTH + 2,  # the body and its list
        max_nodes=MAX_BATCH_NODES,
    )


async def read_optional_json(request: Request, max_bytes: int = MAX_BODY_BYTES) -> Any:
    """As `read_json`, but no body at all is an empty object, whatever its type."""
    body = await whole_body(request, max_bytes)
    if not body:
        return {}
    _check_content_type(request)
    return parse_payload(body, max_bytes=max_bytes)


def _check_content_type(request: Request) -> None:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise HTTPException(415, "Send the body as Content-Type: application/json.")


def all_headers(request: Request) -> dict[str, str]:
    """By lower-case name; repeated ones joined by commas, as API Gateway hands them over."""
    found: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        found.setdefault(name, []).append(value)
    return {name: ",".join(values) for name, values in found.items()}


def parse_id(text: str, noun: str) -> UUID:
    """An id from a path; what is not a UUID cannot exist. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"There is no such {noun}.") from None


async def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, TriggerfishError)
    status, body, headers = of_error(error, request_id(request.scope))
    return Json(body, status, headers)


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return await _expected(request, invalid_query(error, request))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = CODES.get(error.status_code, "ERROR")
    message = _message(error, request)
    body = envelope(code, message, request_id(request.scope))
    if error.status_code == 405:
        app: FastAPI = request.app
        allowed = methods_of(app.router, request.scope, app.state.elsewhere)
        return Json(body, 405, {"allow": ", ".join(allowed)})
    return Json(body, error.status_code, error.headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    id = request_id(request.scope)
    log.error("request_failed", request_id=id, exc_info=error)
    message = "Something went wrong on our side; the request id leads to the details."
    # Starlette answers this one outside of all middleware, so it gets its header here.
    return Json(envelope(CODES[500], message, id), 500, {HEADER.decode(): id})


async def _gone(request: Request, error: Exception) -> Response:
    """The client left before its body was complete: nobody hears the answer."""
    log.info("client_gone", method=request.method)
    return Response(status_code=400)


async def _refuse_coding(scope: Scope, receive: Receive, send: Send, *, inflates: bool) -> None:
    taken = "gzip" if inflates else "identity"
    message = f"The only Content-Encoding that is taken here is {taken}."
    body = envelope(CODES[415], message, request_id(scope))
    await Json(body, 415, {"accept-encoding": taken})(scope, receive, send)


def _message(error: HTTPException, request: Request) -> str:
    if error.status_code == 404:
        path = request.scope["path"]
        near = request.app.state.near_path(path)
        meant = f" Did you mean {near}?" if near not in (None, path) else ""
        return f"There is nothing at this path.{meant}"
    if error.status_code == 405:
        return f"{request.method} is not allowed here."
    return str(error.detail)
