"""Translates between ASGI and API Gateway's HTTP API payload format 2.0, both ways."""

import base64
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from local.runtime.asgi import Headers, Scope
from local.runtime.model import DEFAULT_ROUTE, Route
from local.runtime.names import ACCOUNT, REGION
from local.runtime.routing import path_parameters

_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/javascript")
_API_ID = "local"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    headers: Headers
    body: bytes


class MalformedAnswerError(ValueError):
    """The function's answer is not one API Gateway could turn into HTTP."""


def http_event(
    scope: Scope, body: bytes, *, route: Route, request_id: str, at: datetime
) -> dict[str, Any]:
    """Payload 2.0 of a request.

    Header names are lower case, repeated ones comma-joined; absent keys are omitted.

    Rule: API Gateway guide, "Working with AWS Lambda proxy integrations for HTTP APIs".
    """
    headers, cookies = _headers(scope["headers"])
    path, query = scope["path"], scope["query_string"].decode("latin-1")
    method, route_path = route
    route_key = route_path if route_path == DEFAULT_ROUTE else f"{method} {route_path}"
    text, is_base64 = _encoded(body, headers.get("content-type", ""))
    optional = {
        "cookies": cookies,
        "queryStringParameters": _comma_joined(parse_qsl(query, keep_blank_values=True)),
        "pathParameters": path_parameters(route_path, path),
        "body": text,
    }
    return {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": _request_context(scope, headers, route_key, request_id, at),
        "isBase64Encoded": is_base64,
        **{key: value for key, value in optional.items() if value},
    }


def _headers(raw: Headers) -> tuple[dict[str, str], list[str]]:
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw]
    cookies = [
        cookie.strip() for name, value in pairs if name == "cookie" for cookie in value.split(";")
    ]
    return _comma_joined((name, value) for name, value in pairs if name != "cookie"), cookies


def _comma_joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _encoded(body: bytes, content_type: str) -> tuple[str, bool]:
    if content_type.lower().startswith(_TEXT_TYPES):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass  # called text, but is not: only base64 keeps its bytes
    return base64.b64encode(body).decode(), bool(body)


def _request_context(
    scope: Scope, headers: dict[str, str], route_key: str, request_id: str, at: datetime
) -> dict[str, Any]:
    domain = headers.get("host", f"{_API_ID}.execute-api.{REGION}.amazonaws.com")
    client = scope.get("client") or ("127.0.0.1", 0)
    return {
        "accountId": ACCOUNT,
        "apiId": _API_ID,
        "domainName": domain,
        "domainPrefix": domain.split(".")[0],
        "http": {
            "method": scope["method"],
            "path": scope["path"],
            "protocol": f"HTTP/{scope['http_version']}",
            "sourceIp": client[0],
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": route_key,
        "stage": "$default",
        "time": at.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(at.timestamp() * 1000),
    }


def http_answer(payload: Any) -> HttpAnswer:
    """What API Gateway sends for a handler's answer.

    Without a statusCode the whole payload is a JSON body of a 200.

    Raises MalformedAnswerError.
    """
    if not (isinstance(payload, dict) and "statusCode" in payload):
        return HttpAnswer(200, [(b"content-type", b"application/json")], _json(payload))
    try:
        body = payload.get("body") or ""
        raw = base64.b64decode(body) if payload.get("isBase64Encoded") else body.encode()
        pairs = [*(payload.get("headers") or {}).items()]
        pairs += [("set-cookie", cookie) for cookie in payload.get("cookies") or []]
        headers = [(k.lower().encode("latin-1"), str(v).encode("latin-1")) for k, v in pairs]
        return HttpAnswer(int(payload["statusCode"]), headers, raw)
    except (AttributeError, TypeError, ValueError) as error:
        raise MalformedAnswerError(str(error)) from error


def _json(payload: Any) -> bytes:
    try:
        return json.dumps(payload).encode()
    except (TypeError, ValueError) as error:
        raise MalformedAnswerError(str(error)) from error


def sample_http_event(at: datetime) -> dict[str, Any]:
    """An example POST."""
    body = json.dumps({"hello": "world"}).encode()
    headers = [
        (b"host", b"localhost:8080"),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"user-agent", b"example"),
    ]
    scope = {
        "method": "POST",
        "path": "/example",
        "query_string": b"page=1",
        "headers": headers,
        "http_version": "1.1",
    }
    route = ("POST", "/example")
    return http_event(scope, body, route=route, request_id=str(uuid.uuid4()), at=at)
