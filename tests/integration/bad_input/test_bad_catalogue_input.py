"""Bad input about the catalogue: each answered 4xx naming the field, and nothing is stored."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests.factories import a_catalogue_event
from tests.integration.bad_input.table import GIANT, NOT_A_STRING, NOT_ACCEPTABLE_JSON, changed
from tests.integration.lanes import Api, assert_refused, post_json

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENTS, PUBLIC = "/events", "/public/events"
SOME_ID = UUID("0198f3a0-0000-7000-8000-000000000000")
NOT_A_TIME = [
    *NOT_A_STRING,
    "",
    "tomorrow",
    "2999-01-01",
    "2999-01-01T00:00:00",
    "2999-13-01T00:00:00Z",
    "2999-02-30T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "\uff12999-01-01T00:00:00Z",
    GIANT,
]

# The field to change in a valid body, and values that are wrong for it.
WRONG_VALUES: list[tuple[str, list[Any]]] = [
    ("title", [*NOT_A_STRING, "", " \t\n", "t" * 201, "bell\x07", "esc\x1b[31m", "\x9bnot"]),
    ("location", [*NOT_A_STRING, "", "\u3000", "l" * 201, "nul\x7f"]),
    ("startAt", [*NOT_A_TIME, "2001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]),
    (
        "endAt",
        [*NOT_A_TIME, "2999-03-05T19:30:00Z", "2999-03-05T20:29:59+01:00", "2001-01-01T00:00:00Z"],
    ),
    ("status", [None, 1, True, "", "draft", "Published", "DELETED", ["DRAFT"], {}]),
    ("internalNotes", [1, True, [], {}, "n" * 10_001]),
    ("createdBy", [1, True, [], {}, "", " ", "c" * 201]),
    ("id", [str(SOME_ID)]),
    ("updatedAt", ["2999-01-01T00:00:00Z"]),
    ("isUpcoming", [True]),
    ("version", [1]),
    ("__class__", [{}]),
]
WRONG_CHANGES: list[tuple[dict[str, Any], str]] = [
    ({}, "body"),
    ({"status": None}, "status"),
    ({"status": "draft"}, "status"),
    ({"status": []}, "status"),
    ({"internalNotes": 1}, "internalNotes"),
    ({"internalNotes": "n" * 10_001}, "internalNotes"),
    *(({field: "2999-01-01T00:00:00Z"}, field) for field in ("title", "startAt", "endAt")),
    *(({field: "x"}, field) for field in ("location", "createdBy", "id", "updatedAt", "x")),
]
WRONG_QUERIES = [
    *(
        (f"page={value}", "page")
        for value in ("", 0, -1, "x", 1.5, "NaN", 1_000_001, "1" + "0" * 5000)
    ),
    *((f"limit={value}", "limit") for value in ("", 0, -1, 101, "ten", "true", "1e1")),
    *(
        (f"{name}={value}", name)
        for name in ("dateFrom", "dateTo")
        for value in (
            "",
            "0",
            "20300101",
            "2030-1-1",
            "2030-02-30",
            "2030-01-01T00:00:00Z",
            "today",
        )
    ),
    ("dateFrom=2030-01-02&dateTo=2030-01-01", "dateTo"),
    ("dateFrom=%D9%A2030-01-01", "dateFrom"),
    ("locations=", "locations"),
    ("locations=,%20,", "locations"),
    ("locations=" + ",".join("abcdefghijklmnopqrstu"), "locations"),
    ("locations=" + "a" * 4001, "locations"),
    ("locations=a%00b", "locations"),
    ("page=1&page=2", "page"),
    ("locations=a&locations=b", "locations"),
    ("date_from=2030-01-01", "date_from"),
    ("cursor=x", "cursor"),
]
WRONG_STATUSES = ["", ",", "draft", "DRAFT,OTHER", "DRAFT,DRAFT,DRAFT,DRAFT", "%00", "D" * 101]


@pytest.mark.parametrize(("field", "values"), WRONG_VALUES, ids=[one for one, _ in WRONG_VALUES])
async def test_a_wrong_value_is_refused_naming_the_field(
    api: Api, field: str, values: list[Any]
) -> None:
    for value in values:
        body = json.dumps(changed(a_catalogue_event(), field, value))
        answer = await post_json(api.http, EVENTS, body)
        assert_refused(answer, 400, field)
        named = [detail["field"] for detail in answer.json()["error"]["details"]]
        assert len(named) == len(set(named)), (value, named)


async def test_a_wrong_change_is_refused_naming_the_field_whatever_its_event(api: Api) -> None:
    for body, field in WRONG_CHANGES:
        answer = await api.http.patch(f"{EVENTS}/{SOME_ID}", json=body)
        assert_refused(answer, 400, field)


@pytest.mark.parametrize("value", [None, True, 0, "text", [], [{}]], ids=json.dumps)
async def test_a_body_that_is_no_object_is_refused(api: Api, value: object) -> None:
    text = json.dumps(value)
    assert_refused(await post_json(api.http, EVENTS, text), 400, "body")
    json_type = {"content-type": "application/json"}
    patched = await api.http.patch(f"{EVENTS}/{SOME_ID}", content=text, headers=json_type)
    assert_refused(patched, 400, "body")


async def test_what_is_no_storable_json_is_refused(api: Api) -> None:
    for body in NOT_ACCEPTABLE_JSON.values():
        assert_refused(await post_json(api.http, EVENTS, body), 400)
    assert_refused(await api.http.post(EVENTS, content=b"{}"), 415)


@pytest.mark.parametrize("path", [EVENTS, PUBLIC])
async def test_a_wrong_query_is_refused_naming_the_parameter(api: Api, path: str) -> None:
    for query, field in WRONG_QUERIES:
        assert_refused(await api.http.get(f"{path}?{query}"), 400, field)


async def test_a_wrong_status_is_refused_and_the_public_has_no_such_filter(api: Api) -> None:
    for status in WRONG_STATUSES:
        assert_refused(await api.http.get(f"{EVENTS}?status={status}"), 400, "status")
    for status in ("DRAFT", "PUBLISHED", "x"):
        assert_refused(await api.http.get(f"{PUBLIC}?status={status}"), 400, "status")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", EVENTS, "GET, HEAD, OPTIONS, POST"),
        ("GET", f"{EVENTS}/{SOME_ID}", "OPTIONS, PATCH"),
        ("POST", PUBLIC, "GET, HEAD, OPTIONS"),
        ("PATCH", f"{PUBLIC}/{SOME_ID}", "GET, HEAD, OPTIONS"),
        ("POST", f"{PUBLIC}/{SOME_ID}/summary", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_wrong_method_is_refused_saying_which_are_right(
    api: Api, method: str, path: str, allowed: str
) -> None:
    answer = await api.http.request(method, path)
    assert_refused(answer, 405)
    assert answer.headers["allow"] == allowed


async def test_an_unknown_event_is_not_found(api: Api) -> None:
    for id in (SOME_ID, "1", "%00", "..%2f", "x" * 5000):
        for path in (f"{PUBLIC}/{id}", f"{PUBLIC}/{id}/summary"):
            assert_refused(await api.http.get(path), 404)
