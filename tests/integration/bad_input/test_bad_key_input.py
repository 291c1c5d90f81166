"""Bad input about keys and projects: each answered 4xx naming the field, and nothing is stored."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.integration.bad_input.table import (
    GIANT,
    NOT_A_NUMBER,
    NOT_A_STRING,
    NOT_ACCEPTABLE_JSON,
    changed,
)
from tests.integration.lanes import Api, assert_refused, post_json

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = "/api/v1/keys"
PROJECTS = "/api/v1/projects"
SOME_ID = UUID("0198f3a0-0000-7000-8000-000000000000")
KEY = {"name": "ci", "scopes": ["triggers:read"]}
PROJECT = {"name": "acme"}
ROTATION = {"overlap_seconds": 60}

# Path, a valid body, the field to change, and values that are wrong for it.
WRONG_VALUES: list[tuple[str, dict[str, Any], str, list[Any]]] = [
    (KEYS, KEY, "name", [*NOT_A_STRING, "", " \t", "n" * 201]),
    (KEYS, KEY, "scopes", [None, True, 1, "triggers:read", {}, {"triggers:read": 1}, []]),
    (
        KEYS,
        KEY,
        "scopes",
        [["all"], ["*"], [None], [["triggers:read"]], ["Triggers:Read"], [GIANT]],
    ),
    (KEYS, KEY, "scopes", [["triggers:read", ""], ["triggers:read "], ["x"] * 5000]),
    (KEYS, KEY, "expires_in", [True, 90, "", "0s", "-1d", "soon", "99999999999d", [], {}]),
    (KEYS, KEY, "expires_at", [True, 0, "", "tomorrow", "2001-01-01T00:00:00Z", [], {}]),
    (KEYS, KEY, "expires_at", ["2999-01-01T00:00:00", "2999-13-01T00:00:00Z", "2999-01-01"]),
    (KEYS, KEY, "expires_at", ["9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z"]),
    (KEYS, KEY | {"expires_at": "2999-01-01T00:00:00Z"}, "expires_in", ["1d"]),
    (KEYS, KEY, "key", ["tf_mine"]),
    (KEYS, KEY, "project_id", [str(SOME_ID)]),
    (KEYS, KEY, "__class__", [{}]),
    (PROJECTS, PROJECT, "name", [*NOT_A_STRING, "", "  ", "n" * 201]),
    (PROJECTS, PROJECT, "id", [str(SOME_ID)]),
    ("rotate", ROTATION, "overlap_seconds", [None, *NOT_A_NUMBER, 1.5, 604_801]),
    ("rotate", ROTATION, "name", ["x"]),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rotate(api: Api) -> str:
    """The path that rotates a key in use."""
    created = (await api.http.post(KEYS, json=KEY)).json()
    return f"{KEYS}/{created['id']}/rotate"


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_happens_to_keys(api: Api, rotate: str) -> AsyncIterator[None]:
    state = "SELECT id, revoked_at, replaced_by, expires_at FROM api_keys ORDER BY id"
    before = api.sql(state), api.sql("SELECT * FROM projects ORDER BY id")
    yield
    assert (api.sql(state), api.sql("SELECT * FROM projects ORDER BY id")) == before


@pytest.mark.parametrize(
    ("path", "base", "field", "values"),
    WRONG_VALUES,
    ids=[f"{path} {field} {n}" for n, (path, _, field, _) in enumerate(WRONG_VALUES)],
)
async def test_a_wrong_value_is_refused_naming_the_field(
    api: Api, rotate: str, path: str, base: dict[str, Any], field: str, values: list[Any]
) -> None:
    for value in values:
        body = json.dumps(changed(base, field, value))
        answer = await post_json(api.http, rotate if path == "rotate" else path, body)
        assert_refused(answer, 400)
        named = [detail["field"] for detail in answer.json()["error"]["details"]]
        assert any(name.startswith(field) for name in named), (value, named)


async def test_every_wrong_field_is_named_at_once(api: Api) -> None:
    body = {"nam": "x", "scopes": ["triggers:read", "all"], "expires_in": "soon"}
    answer = await api.http.post(KEYS, json=body)
    assert_refused(answer, 400)
    named = [detail["field"] for detail in answer.json()["error"]["details"]]
    assert named == ["nam", "name", "scopes[1]", "expires_in"]


@pytest.mark.parametrize("body", NOT_ACCEPTABLE_JSON.values(), ids=NOT_ACCEPTABLE_JSON)
async def test_what_is_no_storable_json_is_refused(api: Api, rotate: str, body: bytes) -> None:
    for path in (KEYS, PROJECTS):
        assert_refused(await post_json(api.http, path, body), 400)
    if body:  # a rotation may have none
        assert_refused(await post_json(api.http, rotate, body), 400)


@pytest.mark.parametrize("value", [None, True, 0, "text", [], [{}]], ids=json.dumps)
async def test_a_body_that_is_no_object_is_refused(api: Api, rotate: str, value: object) -> None:
    for path in (KEYS, PROJECTS, rotate):
        assert_refused(await post_json(api.http, path, json.dumps(value)), 400, "body")


async def test_a_body_over_the_limit_or_of_another_type_is_refused(api: Api, rotate: str) -> None:
    for path in (KEYS, PROJECTS, rotate):
        assert_refused(await post_json(api.http, path, b'"' + b"x" * 600_000 + b'"'), 413)
        for headers in ({}, {"content-type": "text/plain"}):
            assert_refused(await api.http.post(path, content=b"{}", headers=headers), 415)


@pytest.mark.parametrize("id", [str(SOME_ID), "1", "%00", "%ff", "a" * 5000])
async def test_an_unknown_key_is_neither_rotated_nor_revoked(api: Api, id: str) -> None:
    assert_refused(await api.http.post(f"{KEYS}/{id}/rotate", json=ROTATION), 404)
    assert_refused(await api.http.post(f"{KEYS}/{id}/revoke"), 404)
