"""Projects: made by the operator, each with a key that administers it and gives nothing away."""

import asyncio
from typing import Any

import httpx

from tests.integration.keys import bearer, own_project
from tests.integration.lanes import Api, assert_refused
from triggerfish.domain.access import PROJECT_SCOPES

KEYS = "/api/v1/keys"


async def a_project(api: Api, name: str = "acme") -> dict[str, Any]:
    answer = await api.http.post("/api/v1/projects", json={"name": name})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    created: dict[str, Any] = answer.json()
    return created


async def test_a_project_comes_with_the_key_that_administers_it(api: Api) -> None:
    project = await a_project(api)
    assert set(project) == {"id", "name", "created_at", "first_key"}
    first = project["first_key"]
    assert first["scopes"] == list(PROJECT_SCOPES)
    listed = (await api.http.get(KEYS, headers=bearer(first))).json()["data"]
    assert [key["id"] for key in listed] == [first["id"]]
    body = {"name": "worker", "scopes": ["triggers:read"]}
    second = await api.http.post(KEYS, json=body, headers=bearer(first))
    assert second.status_code == 201
    assert [key["name"] for key in (await api.get(KEYS))["data"]] == ["bootstrap"]


async def test_projects_are_listed_newest_first_for_the_operator_alone(api: Api) -> None:
    created = [await a_project(api, name) for name in ("one", "two", "three")]
    first = await api.get("/api/v1/projects", limit=2)
    second = await api.get("/api/v1/projects", limit=2, cursor=first["next_cursor"])
    names = [project["name"] for project in first["data"] + second["data"]]
    assert names == ["three", "two", "one", "default"]
    assert set(first["data"][0]) == {"id", "name", "created_at"}
    tenant = bearer(created[0]["first_key"])
    for method in ("GET", "POST"):
        answer = await api.http.request(method, "/api/v1/projects", headers=tenant, json={})
        assert_refused(answer, 403)


async def test_no_key_of_a_project_can_give_the_platform_away(api: Api) -> None:
    tenant = bearer((await a_project(api))["first_key"])
    body = {"name": "up", "scopes": ["projects:admin"]}
    assert_refused(await api.http.post(KEYS, json=body, headers=tenant), 403)


async def test_a_project_has_a_name_of_its_own(api: Api) -> None:
    await a_project(api, "acme")
    for name in ("acme", "default"):
        answer = await api.http.post("/api/v1/projects", json={"name": name})
        assert_refused(answer, 409)
    assert len((await api.get("/api/v1/projects"))["data"]) == 2
    answers: list[httpx.Response] = await asyncio.gather(
        *(api.http.post("/api/v1/projects", json={"name": "race"}) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert api.sql("SELECT count(*) FROM api_keys") == [(3,)]
    assert own_project(api)
