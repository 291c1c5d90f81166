"""What the API document says of an answer, for every test that gets one."""

import json
import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from local.cli.openapi import DOCUMENTED
from local.cli.paths import PROJECT

DOCUMENT: dict[str, Any] = json.loads((PROJECT / DOCUMENTED).read_text(encoding="utf-8"))
METHODS = ("get", "post", "put", "patch", "delete")
# Answered before any operation is found: for the wrong method, and beyond the document.
UNDOCUMENTED = (404, 405)


def deref(value: dict[str, Any]) -> dict[str, Any]:
    """What a `$ref` into the document leads to."""
    while "$ref" in value:
        found: Any = DOCUMENT
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    """Where and why a value does not fit a schema of the document."""
    return [
        f"{'.'.join(map(str, error.instance_path))}: {error.message}"
        for error in _validator(json.dumps(schema)).iter_errors(value)
    ]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """The operation that answers a request, exact paths before those with parameters."""
    for pattern, item in _patterns():
        if pattern.fullmatch(path):
            found: dict[str, Any] | None = item.get(method.lower())
            return found
    return None


async def check_answer(answer: httpx.Response) -> None:
    """An httpx event hook: fails when the answer is not as documented (status, type, body)."""
    operation = operation_of(answer.request.method, answer.request.url.path)
    if operation is None:
        return
    where = f"{answer.request.method} {answer.request.url.path} → {answer.status_code}"
    responses = operation["responses"]
    if str(answer.status_code) not in responses and answer.status_code in UNDOCUMENTED:
        return
    assert str(answer.status_code) in responses, f"{where} is not documented"
    content = deref(responses[str(answer.status_code)]).get("content", {})
    if "application/json" in content:
        await answer.aread()
        found = problems(content["application/json"]["schema"], answer.json())
        assert found == [], f"{where}: {found}"


@cache
def _validator(schema: str) -> jsonschema_rs.Validator:
    components = {"components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(
        json.loads(schema) | components, validate_formats=True, ignore_unknown_formats=True
    )


@cache
def _patterns() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    paths = sorted(DOCUMENT["paths"].items(), key=lambda item: "{" in item[0])
    return [
        (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), item) for path, item in paths
    ]
