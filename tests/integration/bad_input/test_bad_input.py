"""Bad input over HTTP: each answered 4xx in the one error shape, never 500, and nothing is stored."""

import json
from typing import Any

import pytest

from tests.conftest import API_KEY
from tests.integration.bad_input.table import (
    API,
    MISSING,
    MISSPELT,
    NAMED_WITHIN,
    NOT_ACCEPTABLE_JSON,
    SCHEDULED,
    WRONG_EVENT_LOG_QUERIES,
    WRONG_VALUES,
    changed,
    nested,
)
from tests.integration.lanes import Api, assert_refused, post_json

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRIGGERS = "/api/v1/triggers"
EVENT_LOGS = "/api/v1/event-logs"


@pytest.mark.parametrize(
    ("base", "field", "values"),
    WRONG_VALUES,
    ids=[f"{field} {n}" for n, (_, field, _) in enumerate(WRONG_VALUES)],
)
async def test_a_wrong_value_is_refused_naming_the_field(
    api: Api, base: dict[str, Any], field: str, values: list[Any]
) -> None:
    for value in values:
        answer = await post_json(api.http, TRIGGERS, json.dumps(changed(base, field, value)))
        assert_refused(answer, 400)
        named = [detail["field"] for detail in answer.json()["error"]["details"]]
        assert any(name.startswith(field) for name in named), (value, named)


async def test_the_exact_place_of_what_is_wrong_is_named(api: Api) -> None:
    for body, field in NAMED_WITHIN:
        assert_refused(await post_json(api.http, TRIGGERS, json.dumps(body)), 400, field)


async def test_all_that_is_missing_is_required_at_once(api: Api) -> None:
    for body, fields in MISSING:
        answer = await post_json(api.http, TRIGGERS, json.dumps(body))
        assert_refused(answer, 400)
        details = answer.json()["error"]["details"]
        assert {one["field"] for one in details} == fields
        assert all(one["message"].startswith("is required") for one in details)


async def test_an_unknown_field_names_the_one_that_was_meant(api: Api) -> None:
    for body, meant in MISSPELT:
        answer = await post_json(api.http, TRIGGERS, json.dumps(body))
        assert_refused(answer, 400)
        assert f"did you mean {meant}?" in answer.json()["error"]["details"][0]["message"]


async def test_a_key_without_the_word_bearer_is_told_so(api: Api) -> None:
    for value in (API_KEY, f"Basic {API_KEY}", f"Token {API_KEY}"):
        answer = await api.http.get(TRIGGERS, headers={"authorization": value})
        assert_refused(answer, 401)
        assert "must begin with Bearer" in answer.json()["error"]["message"]
        assert API_KEY not in answer.text


@pytest.mark.parametrize("body", NOT_ACCEPTABLE_JSON.values(), ids=NOT_ACCEPTABLE_JSON)
async def test_what_is_no_storable_json_is_refused_everywhere(
    api: Api, webhook: str, body: bytes
) -> None:
    for path in (TRIGGERS, webhook, "/api/v1/test-runs", f"{EVENT_LOGS}/replay"):
        assert_refused(await post_json(api.http, path, body), 400)


@pytest.mark.parametrize(
    "inner", [b"NaN", b'"\\u0000"', b'"\\ud800"', b"1e999", nested(100).encode(), b'{"\\u0000":1}']
)
@pytest.mark.parametrize(("base", "field"), [(SCHEDULED, "payload"), (API, "schema")])
async def test_what_is_no_storable_json_is_refused_inside_a_definition(
    api: Api, base: dict[str, Any], field: str, inner: bytes
) -> None:
    body = json.dumps(base | {field: {"const": "PLACE"}}).encode().replace(b'"PLACE"', inner)
    assert_refused(await post_json(api.http, TRIGGERS, body), 400)


@pytest.mark.parametrize("value", [None, True, 0, "text", [], [{}]], ids=json.dumps)
async def test_a_definition_that_is_no_object_is_refused(api: Api, value: object) -> None:
    assert_refused(await post_json(api.http, TRIGGERS, json.dumps(value)), 400, "body")


async def test_a_body_over_the_limit_is_too_large(api: Api, webhook: str) -> None:
    text = b'"' + b"x" * (600 * 1024) + b'"'
    assert_refused(await post_json(api.http, TRIGGERS, text), 413)
    assert_refused(await post_json(api.http, webhook, text[: 300 * 1024] + b'"'), 413)
    payload = json.dumps(SCHEDULED | {"payload": "x" * (257 * 1024)})
    assert_refused(await post_json(api.http, TRIGGERS, payload), 400, "payload")


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "json",
        "application/json, text/plain",
        "é",
        ";",
    ],
)
async def test_another_content_type_is_refused(api: Api, webhook: str, content_type: str) -> None:
    headers = [(b"content-type", content_type.encode())] if content_type else []
    for path in (TRIGGERS, webhook):
        assert_refused(await api.http.post(path, content=b'{"id": 1}', headers=headers), 415)


async def test_a_wrong_event_log_query_is_refused_naming_the_parameter(api: Api) -> None:
    for query, field in WRONG_EVENT_LOG_QUERIES:
        assert_refused(await api.http.get(f"{EVENT_LOGS}?{query}"), 400, field)


@pytest.mark.parametrize(
    "query",
    [
        "from=0001-01-01T00:00:00Z",
        "from=0001-01-01T00:00:00%2B14:00",
        "to=0001-01-01T00:00:00%2B14:00",
        "from=9999-12-31T23:59:59-14:00",
        "to=9999-12-31T23:59:59-14:00",
        "from=2999-01-01T00:00:00Z&to=2001-01-01T00:00:00Z",
        "cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwgIjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCJd",
    ],
)
async def test_the_ends_of_time_are_times_like_others(api: Api, query: str) -> None:
    answer = await api.http.get(f"{EVENT_LOGS}?{query}")
    assert (answer.status_code, answer.json()) == (200, {"data": [], "next_cursor": None})


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": b""},
        {"authorization": b"Bearer"},
        {"authorization": b"Bearer "},
        {"authorization": b"Basic " + API_KEY.encode()},
        {"authorization": API_KEY.encode()},
        {"authorization": b"Bearer wrong"},
        {"authorization": b"Bearer " + API_KEY.encode() + b"x"},
        {"authorization": b"Bearer " + API_KEY[:-1].encode()},
        {"authorization": b"Bearer " + API_KEY.upper().encode()},
        {"authorization": "Bearer schlüssel".encode()},
        {"authorization": b"Bearer \xff\xfe"},
        {"authorization": b"Bearer a\x00b"},
        {"authorization": b"Bearer a\tb"},
        {"authorization": b"Bearer " + b"k" * 201},
        {"authorization": b"Bearer " + b"k" * 100_000},
        {"authorization": b"", "x-api-key": "schlüssel".encode()},
        {"authorization": b"", "x-api-key": b"' OR 1=1 --"},
        {"authorization": b"Bearer %00"},
    ],
    ids=lambda headers: str(headers)[:60],
)
async def test_what_is_no_valid_key_is_unauthorised(api: Api, headers: dict[str, Any]) -> None:
    for method, path in (("POST", TRIGGERS), ("GET", TRIGGERS), ("GET", EVENT_LOGS)):
        answer = await api.http.request(method, path, headers=headers)
        assert_refused(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": b"[::1]:8080"},
        {"host": b"a:b:c"},
        {"host": b""},
        {"host": b"example.com:port"},
        {"host": b"\xff"},
        {"x-forwarded-port": b"abc"},
        {"x-forwarded-proto": b"\xff"},
        {"x-forwarded-for": b"\x00"},
        {"cookie": b"\xff=;;=; a"},
        {"x-request-id": b"mine\r\nX-Injected: 1"},
        {"content-length": b"-1"},
        {"accept": b"text/html"},
        {"accept-encoding": b"\xff"},
        {"expect": b"100-continue"},
        {"x-" + "a" * 1000: b"b" * 10_000},
    ],
    ids=lambda headers: str(headers)[:60],
)
async def test_strange_headers_that_mean_nothing_to_us_change_nothing(
    api: Api, headers: dict[str, Any]
) -> None:
    listed = await api.http.get(TRIGGERS, headers=headers)
    assert listed.status_code == 200
    assert "x-injected" not in listed.headers
    assert len(listed.headers["x-request-id"]) == 32
    created = await post_json(api.http, TRIGGERS, b"[]", **headers)
    assert_refused(created, 400, "body")
