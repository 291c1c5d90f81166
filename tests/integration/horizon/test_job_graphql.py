"""GraphQL about imports: the same facts as the API, the same borders, and bounded queries."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.integration.imports import JOBS, imported, lines
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused
from triggerfish.adapters.db.jobs import Jobs
from triggerfish.domain.errors import TryLater
from triggerfish.settings import Settings

WHOLE = """
    query ($id: ID!, $cursor: String) {
        job(id: $id) {
            id status error fileName size percent createdAt startedAt completedAt
            lines { total accepted rejected }
            errors(limit: 2, cursor: $cursor) { data { line reason } nextCursor }
        }
    }
"""


async def ask(api: Api, query: str, headers: Any = None, **variables: Any) -> httpx.Response:
    body = {"query": query, "variables": variables}
    return await api.http.post("/graphql", json=body, headers=headers)


async def test_a_job_is_what_the_api_says_it_is(api: Api, settings: Settings) -> None:
    job = await imported(api, settings, lines(2) + b"bad\n" * 3)
    answer = (await ask(api, WHOLE, id=job["id"])).json()
    assert "errors" not in answer
    shown = answer["data"]["job"]
    page = await api.get(f"{JOBS}/{job['id']}/errors", limit=2)
    assert shown["errors"] == {"data": page["data"], "nextCursor": page["next_cursor"]}
    for name, other in {"fileName": "file_name", "completedAt": "completed_at"}.items():
        assert shown[name] == job[other]
    for name in ("id", "status", "error", "size", "percent", "lines"):
        assert shown[name] == job[name]
    rest = (await ask(api, WHOLE, id=job["id"], cursor=page["next_cursor"])).json()
    assert [one["line"] for one in rest["data"]["job"]["errors"]["data"]] == [5]


@pytest.mark.attack("GraphQL: depth, aliases, tokens, batches, other tenants")
async def test_an_unknown_or_foreign_job_is_null(api: Api, settings: Settings) -> None:
    job = await imported(api, settings, lines(1))
    other = an_api_key(api, "tf_other", "jobs:read")
    for id, headers in ((str(uuid4()), None), ("no-id", None), (job["id"], other)):
        assert (await ask(api, WHOLE, headers, id=id)).json() == {"data": {"job": None}}


@pytest.mark.attack("GraphQL: depth, aliases, tokens, batches, other tenants")
async def test_a_query_that_is_too_large_is_refused(api: Api, settings: Settings) -> None:
    job = await imported(api, settings, lines(1))
    aliases = " ".join(f'a{n}: job(id: "{job["id"]}") {{ id }}' for n in range(11))
    tokens = "{ " + " ".join(['job(id: "x") { id }'] * 100) + " }"
    spread = " ".join(f'a{n}: job(id: "x") {{ ...f }}' for n in range(6))
    for query, said in (
        (f"{{ {aliases} }}", "aliases"),
        (
            f"{{ {spread} ...q }} fragment q on Query {{ {spread} }} fragment f on Job {{ id }}",
            "alias",
        ),
        (tokens, "token"),
        (
            "{ __schema { " + "types { fields { type { " * 9 + "name" + " } } }" * 9 + " } }",
            "depth",
        ),
        ("{ job(id: 1) { ...a } } fragment a on Job { ...b } fragment b on Job { ...a }", ""),
        ("{ job(id: 1) { ...a } } fragment a on Job { id ...a }", ""),
        ("{ job(id: 1) " + "{ a " * 120 + "}" * 121, ""),
        ("{ job(id: 1) { id " + "@include(if: true) " * 90 + "} }", ""),
        ("{ job }", "selection of subfields"),
        ("{ job(", "Syntax Error"),
    ):
        answer = (await ask(api, query)).json()
        assert answer["data"] is None
        assert said in str(answer["errors"]), answer


async def test_a_request_that_names_no_operation_of_its_query_is_told_so(api: Api) -> None:
    for query, name, said in (
        ("query a { __typename }", "b", 'no operation named "b"'),
        ("{ __typename }", "", 'no operation named ""'),
        ("fragment a on Job { id }", None, "no operation"),
        ("query a { __typename } query b { __typename }", None, "operationName"),
        ("query a { __typename } query b { __typename }", "c", 'no operation named "c"'),
        ("mutation { a }", None, "mutation"),
        ("subscription { a }", None, "subscription"),
    ):
        answer = await api.http.post("/graphql", json={"query": query, "operationName": name})
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"] is None
        assert said in str(answer.json()["errors"]), answer.text


async def test_of_several_operations_the_named_one_is_run(api: Api) -> None:
    body = {"query": "query a { x: __typename } query b { y: __typename }", "operationName": "b"}
    answer = await api.http.post("/graphql", json=body)
    assert answer.json() == {"data": {"y": "Query"}}


@pytest.mark.attack("GraphQL: depth, aliases, tokens, batches, other tenants")
async def test_wrong_arguments_are_told_and_our_own_faults_are_not(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await imported(api, settings, lines(1))
    bad = WHOLE.replace("limit: 2", "limit: 0")
    assert "limit must be from 1" in (await ask(api, bad, id=job["id"])).text
    cursor = await ask(api, WHOLE, id=job["id"], cursor="nonsense")
    assert "The cursor is not valid" in cursor.text

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("secret")

    async def away(*_: Any) -> None:
        raise TryLater("The database is not reachable.")

    monkeypatch.setattr(Jobs, "get", broken)
    answer = await ask(api, WHOLE, id=job["id"])
    assert answer.json()["errors"][0]["message"] == "Something went wrong."
    assert "secret" not in answer.text
    monkeypatch.setattr(Jobs, "get", away)
    assert_refused(await ask(api, WHOLE, id=job["id"]), 503)


@pytest.mark.attack("GraphQL: depth, aliases, tokens, batches, other tenants")
async def test_many_queries_in_one_request_are_refused(api: Api) -> None:
    one = {"query": "{ __typename }"}
    assert_refused(await api.http.post("/graphql", json=[one, one]), 400)


@pytest.mark.attack("GraphQL: depth, aliases, tokens, batches, other tenants")
async def test_there_is_nothing_to_change_or_subscribe_to(api: Api) -> None:
    for kind in ("mutation", "subscription"):
        answer = (await ask(api, f"{kind} {{ job }}")).json()
        assert (answer["data"], len(answer["errors"])) == (None, 1)


async def test_introspection_shows_what_the_documents_show(api: Api) -> None:
    answer = (await ask(api, "{ __schema { types { name fields { name } } } }")).json()
    types = {one["name"]: one["fields"] for one in answer["data"]["__schema"]["types"]}
    assert {field["name"] for field in types["Query"]} == {"job"}


@pytest.mark.attack("GraphQL: depth, aliases, tokens, batches, other tenants")
async def test_the_request_itself_is_checked_as_everywhere(api: Api) -> None:
    for body, field in (
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": "{ a }", "variables": []}, "variables"),
        ({"query": "{ a }", "colour": 1}, "colour"),
    ):
        assert_refused(await api.http.post("/graphql", json=body), 400, field)
    assert_refused(await api.http.get("/graphql"), 405)
    assert_refused(await api.http.post("/graphql", json={"query": "x" * 20_000}), 413)
