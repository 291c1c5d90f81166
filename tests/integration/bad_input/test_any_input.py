"""A search for input that nobody thought of: no request whatever is answered with our own error."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.bad_input.table import API, SCHEDULED
from tests.integration.lanes import Api, assert_refused, post_json

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRIGGERS = "/api/v1/triggers"
EVENT_LOGS = "/api/v1/event-logs"

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
    "catch_up_grace_seconds",
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
