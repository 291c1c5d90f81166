"""Wrong methods, paths and queries, whatever the noun: refused, and nothing is stored."""

from uuid import UUID

import pytest

from tests.integration.bad_input.table import MISSPELT_PARAMETERS, WRONG_QUERIES
from tests.integration.lanes import Api, assert_refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRIGGERS = "/api/v1/triggers"
EVENT_LOGS = "/api/v1/event-logs"
KEYS = "/api/v1/keys"
PROJECTS = "/api/v1/projects"
SOME_ID = UUID("0198f3a0-0000-7000-8000-000000000000")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", TRIGGERS, "GET, HEAD, OPTIONS, POST"),
        ("PATCH", TRIGGERS, "GET, HEAD, OPTIONS, POST"),
        ("DELETE", TRIGGERS, "GET, HEAD, OPTIONS, POST"),
        ("POST", f"{TRIGGERS}/{SOME_ID}", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("POST", EVENT_LOGS, "GET, HEAD, OPTIONS"),
        ("DELETE", f"{EVENT_LOGS}/{SOME_ID}", "GET, HEAD, OPTIONS"),
        ("GET", "/api/v1/webhook/some-token", "OPTIONS, POST"),
        ("PUT", "/api/v1/webhook/some-token", "OPTIONS, POST"),
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("DELETE", "/health/live", "GET, HEAD, OPTIONS"),
        ("POST", "/metrics", "GET, HEAD, OPTIONS"),
        ("BREW", TRIGGERS, "GET, HEAD, OPTIONS, POST"),
        ("PUT", KEYS, "GET, HEAD, OPTIONS, POST"),
        ("DELETE", KEYS, "GET, HEAD, OPTIONS, POST"),
        ("POST", f"{KEYS}/{SOME_ID}", "GET, HEAD, OPTIONS"),
        ("DELETE", f"{KEYS}/{SOME_ID}", "GET, HEAD, OPTIONS"),
        ("GET", f"{KEYS}/{SOME_ID}/rotate", "OPTIONS, POST"),
        ("DELETE", f"{KEYS}/{SOME_ID}/rotate", "OPTIONS, POST"),
        ("GET", f"{KEYS}/{SOME_ID}/revoke", "OPTIONS, POST"),
        ("DELETE", PROJECTS, "GET, HEAD, OPTIONS, POST"),
        ("BREW", PROJECTS, "GET, HEAD, OPTIONS, POST"),
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
        f"{KEYS}/",
        f"{KEYS}/1",
        f"{KEYS}/not-a-uuid",
        f"{KEYS}/{SOME_ID}",
        f"{KEYS}/{UUID(int=0)}",
        f"{KEYS}/%00",
        f"{KEYS}/%ff%fe",
        f"{KEYS}/..%2f..%2fetc",
        f"{KEYS}/" + "a" * 10_000,
        f"{KEYS}/{SOME_ID}/unknown",
        f"{PROJECTS}/{SOME_ID}",
        f"{PROJECTS}/",
    ],
)
async def test_an_unknown_path_or_id_is_not_found(api: Api, path: str) -> None:
    assert_refused(await api.http.get(path), 404)


@pytest.mark.parametrize("path", [TRIGGERS, EVENT_LOGS, KEYS, PROJECTS])
async def test_a_wrong_query_is_refused_naming_the_parameter(api: Api, path: str) -> None:
    for query, field in WRONG_QUERIES:
        assert_refused(await api.http.get(f"{path}?{query}"), 400, field)


@pytest.mark.parametrize(("name", "meant"), MISSPELT_PARAMETERS)
async def test_an_unknown_parameter_names_the_one_that_was_meant(
    api: Api, name: str, meant: str
) -> None:
    for path in (TRIGGERS, EVENT_LOGS, KEYS):
        answer = await api.http.get(path, params={name: "1"})
        assert_refused(answer, 400, name)
        assert f"did you mean {meant}?" in answer.json()["error"]["details"][0]["message"]
