"""Bad input over HTTP: each answered 4xx in the one error shape, never 500, and nothing is stored."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.services.postgres import Postgres
from tests.conftest import API_KEY
from tests.integration.bad_input import (
    API,
    NAMED_WITHIN,
    NOT_ACCEPTABLE_JSON,
    SCHEDULED,
    WRONG_EVENT_LOG_QUERIES,
    WRONG_QUERIES,
    WRONG_VALUES,
    changed,
    nested,
)
from tests.integration.lanes import LANES, NOBODY, Api, assert_refused, post_json, serving
from triggerfish.settings import Settings
from triggerfish.wiring import migrate

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRIGGERS = "/api/v1/triggers"
EVENT_LOGS = "/api/v1/event-logs"
SOME_ID = UUID("0198f3a0-0000-7000-8000-000000000000")


@pytest.fixture(scope="module")
def database(postgres: Postgres, template_database: str) -> Iterator[str]:
    """One database for the whole table: nothing in here may change it."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}".encode())
        yield postgres.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LANES)
async def api(request: pytest.FixtureRequest, database: str) -> AsyncIterator[Api]:
    first = Settings(database_url=database, bootstrap_api_key=API_KEY)
    await asyncio.to_thread(migrate, first)
    async with serving(request.param, database, {"TRIGGERFISH_SQS_ENDPOINT_URL": NOBODY}) as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def webhook(api: Api) -> str:
    """The path of a webhook that takes objects with an integer `id`."""
    return str((await api.create(API))["webhook_url"])


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_is_stored(api: Api, webhook: str) -> AsyncIterator[None]:
    before = api.stored()
    yield
    assert api.stored() == before


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


@pytest.mark.parametrize("body", NOT_ACCEPTABLE_JSON.values(), ids=NOT_ACCEPTABLE_JSON)
async def test_what_is_no_storable_json_is_refused_everywhere(
    api: Api, webhook: str, body: bytes
) -> None:
    assert_refused(await post_json(api.http, TRIGGERS, body), 400)
    assert_refused(await post_json(api.http, webhook, body), 400)


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


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", TRIGGERS, "GET, POST"),
        ("PATCH", TRIGGERS, "GET, POST"),
        ("DELETE", TRIGGERS, "GET, POST"),
        ("POST", f"{TRIGGERS}/{SOME_ID}", "DELETE, GET"),
        ("OPTIONS", f"{TRIGGERS}/{SOME_ID}", "DELETE, GET"),
        ("POST", EVENT_LOGS, "GET"),
        ("DELETE", f"{EVENT_LOGS}/{SOME_ID}", "GET"),
        ("GET", "/api/v1/webhook/some-token", "POST"),
        ("PUT", "/api/v1/webhook/some-token", "POST"),
        ("POST", "/health", "GET"),
        ("DELETE", "/health/live", "GET"),
        ("POST", "/metrics", "GET"),
        ("BREW", TRIGGERS, "GET, POST"),
    ],
)
async def test_a_wrong_method_is_refused_saying_which_are_right(
    api: Api, method: str, path: str, allowed: str
) -> None:
    answer = await api.http.request(method, path)
    assert_refused(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/triggers/",
        "/api/v1/triggers/not-a-uuid",
        f"/api/v1/triggers/{SOME_ID}",
        f"/api/v1/triggers/{SOME_ID}/unknown",
        "/api/v1/triggers/%00",
        "/api/v1/triggers/..%2f..%2fetc",
        "/api/v1/triggers/%ff%fe",
        "/api/v1/triggers/%C3%A9",
        "/api/v1/triggers/" + "a" * 10_000,
        "/api/v1/event-logs/1",
        "/api/v1/event-logs/-1",
        f"/api/v1/event-logs/{UUID(int=0)}",
        "/api/v1/event-logs/%0d%0aX-Injected:%201",
        "/api/v2/triggers",
        "/docs/../metrics%00",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//triggers",
        "/health/unknown",
    ],
)
async def test_an_unknown_path_or_id_is_not_found(api: Api, path: str) -> None:
    assert_refused(await api.http.get(path), 404)


@pytest.mark.parametrize("path", [TRIGGERS, EVENT_LOGS])
async def test_a_wrong_query_is_refused_naming_the_parameter(api: Api, path: str) -> None:
    for query, field in WRONG_QUERIES:
        assert_refused(await api.http.get(f"{path}?{query}"), 400, field)


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
        {"content-encoding": b"gzip"},
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


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = (
    "type",
    "name",
    "endpoint",
    "retry",
    "schedule",
    "payload",
    "schema",
    "catch_up",
    "catch_up_window_seconds",
)
# Never valid, so that nothing is stored: a field that no trigger has.
DEFINITIONS = st.builds(
    lambda base, changes: base | changes | {"unknown": 1},
    st.sampled_from([SCHEDULED, API]),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
)
BODIES = st.binary(max_size=200) | (DEFINITIONS | JSON).map(
    lambda value: json.dumps(value).encode()
)
PATHS = st.one_of(
    st.sampled_from([TRIGGERS, EVENT_LOGS, "/health", "/metrics"]),
    st.binary(min_size=1, max_size=30).map(
        lambda raw: "/api/v1/triggers/" + "".join(f"%{byte:02x}" for byte in raw)
    ),
    st.binary(min_size=1, max_size=30).map(
        lambda raw: "/api/v1/webhook/" + "".join(f"%{byte:02x}" for byte in raw)
    ),
    st.binary(max_size=30).map(lambda raw: "/" + "".join(f"%{byte:02x}" for byte in raw)),
)
QUERIES = st.dictionaries(
    st.sampled_from(["limit", "cursor", "from", "to", "status", "view", "x"]),
    st.text(max_size=20),
    max_size=3,
)
HEADER_NAMES = ["accept", "content-type", "authorization", "x-api-key", "host", "cookie", "x-y"]
HEADERS = st.dictionaries(st.sampled_from(HEADER_NAMES), st.binary(max_size=30), max_size=3)


@settings(
    max_examples=150,  # in each lane
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]),
    path=PATHS,
    query=QUERIES,
    headers=HEADERS,
    body=BODIES,
)
async def test_nothing_that_a_caller_can_send_is_our_error(
    api: Api, method: str, path: str, query: dict[str, str], headers: dict[str, Any], body: bytes
) -> None:
    given_headers = {"content-type": "application/json"} | headers
    request = api.http.build_request(
        method, path, params=query, headers=given_headers, content=body
    )
    answer = await api.http.send(request)
    assert answer.status_code < 500 or path == "/health", (answer.status_code, answer.text)
    assert_refused_or_fine(answer)


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=DEFINITIONS | JSON)
async def test_no_definition_and_no_payload_is_our_error(
    api: Api, webhook: str, body: object
) -> None:
    text = json.dumps(body)
    assert_refused(await post_json(api.http, TRIGGERS, text), 400)
    answer = await post_json(api.http, webhook, json.dumps({"id": "wrong", "body": body}))
    assert_refused(answer, 400)


def assert_refused_or_fine(answer: httpx.Response) -> None:
    if answer.status_code in range(400, 500) and answer.request.method != "HEAD":
        assert_refused(answer, answer.status_code)
