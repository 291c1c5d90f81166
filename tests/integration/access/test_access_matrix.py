"""Every route and every way not to be allowed in, through both lanes.

The routes are those of the template and of the functions' own apps, so a new one is in the matrix
at once: it either asks for a key, or has to be named in PUBLIC.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import APIRoute, APIWebSocketRoute

from local.runtime.model import DEFAULT_ROUTE
from tests.conftest import API_KEY, ENCRYPTION_KEYS
from tests.databases import Databases
from tests.factories import a_catalogue_event, an_api_trigger
from tests.integration.imports import a_line, upload
from tests.integration.keys import an_api_key, own_project
from tests.integration.lanes import LANES, NOBODY, Api, assert_refused, serving, template
from triggerfish.domain.access import PLATFORM_SCOPES, PROJECT_SCOPES, SCOPES
from triggerfish.settings import Settings
from triggerfish.wiring.upkeep import migrate

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Open to everybody: the webhook's token is its permission, the others show nothing of a project.
PUBLIC = {
    ("POST", "/api/v1/webhook/{token}"),
    ("GET", "/health"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/metrics"),
    ("GET", "/public/events"),
    ("GET", "/public/events/{id}"),
    ("GET", "/public/events/{id}/summary"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/docs/{asset}"),
}
# Bodies that an operation takes as valid, where `{}` is not: only then does it look for its id.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/api/v1/triggers/{trigger_id}"): {"name": "changed"},
    ("PATCH", "/events/{id}"): {"internalNotes": "changed"},
}
# Bodies of another type, of an operation that refuses them: the matrix changes nothing.
FILES = {("POST", "/api/v1/files/upload"): {"file": ("a.txt", b"{}")}}
REFUSED_KEYS = ("none", "unknown", "another secret", "expired", "revoked")

Operation = tuple[str, str]


async def operations_by_function() -> dict[str, set[Operation]]:
    """Function → the operations its app answers. Apps for Lambda are made on an event loop."""
    return {
        name: {
            (method, route.path)
            for route in import_module(function.module).handler.app.routes
            if isinstance(route, APIRoute)
            for method in route.methods or ()
        }
        for name, function in template().functions.items()
        if function.routes
    }


OPERATIONS = sorted(set().union(*asyncio.run(operations_by_function()).values()))
GUARDED = [operation for operation in OPERATIONS if operation not in PUBLIC]
# The catalogue is the platform's own, not of a project: a key of another one is refused (403).
OF_ONE_THING = [
    operation
    for operation in GUARDED
    if "{" in operation[1] and not operation[1].startswith("/events")
]


def title(operation: Operation) -> str:
    return " ".join(operation)


@dataclass(frozen=True)
class Estate:
    """A project that has one of each thing, and keys to try on it."""

    api: Api
    ids: dict[str, str]
    keys: dict[str, dict[str, str]]

    async def call(
        self, operation: Operation, key: dict[str, str], ids: dict[str, str] | None = None
    ) -> httpx.Response:
        method, path = operation
        for name, id in (ids or self.ids).items():
            path = path.replace(f"{{{name}}}", id)
        left = re.findall(r"{\w+}", path)
        assert not left, f"say in `an_estate` what {left} is"
        body = BODIES.get(operation, {}) if method not in ("GET", "DELETE") else None
        content: dict[str, Any] = {"json": body}
        if operation in FILES:
            content = {"files": FILES[operation]}
        return await self.api.http.request(method, path, headers=key, **content)

    def contents(self) -> list[tuple[Any, ...]]:
        """All there is, but for notes of which key was used."""
        tables = {
            "triggers": "*",
            "trigger_revisions": "*",
            "event_logs_active": "id, replay_of, payload",
            "api_keys": "id, scopes, expires_at, revoked_at, replaced_by",
            "projects": "*",
            "jobs": "*",
            "catalogue_events": "*",
        }
        each = [
            f"(SELECT one::text FROM (SELECT {columns} FROM {table} ORDER BY id) AS one)"
            for table, columns in tables.items()
        ]
        return self.api.sql(" UNION ALL ".join(each))


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[str]:
    with databases.lent() as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LANES)
async def estate(
    request: pytest.FixtureRequest, database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Estate]:
    first = Settings(
        database_url=database, bootstrap_api_key=API_KEY, encryption_keys=ENCRYPTION_KEYS
    )
    await asyncio.to_thread(migrate, first)
    environment = {
        "TRIGGERFISH_SQS_ENDPOINT_URL": NOBODY,
        "TRIGGERFISH_OBJECT_STORE": f"file:{tmp_path_factory.mktemp('objects')}",
    }
    async with serving(request.param, database, environment) as api:
        yield Estate(api, await things(api), keys(api, request.param))


async def things(api: Api) -> dict[str, str]:
    """Path parameter → the id of such a thing."""
    trigger = await api.create(an_api_trigger("https://example.com/hook"))
    event_id = await api.fire(trigger, '{"id": 1}')
    body = {"name": "ci", "scopes": ["triggers:read"]}
    key = (await api.http.post("/api/v1/keys", json=body)).json()
    job_id = await upload(api, a_line())
    draft = (await api.http.post("/events", json=a_catalogue_event())).json()
    return {
        "trigger_id": trigger["id"],
        "event_id": event_id,
        "key_id": key["id"],
        "job_id": job_id,
        "id": draft["id"],
    }


def keys(api: Api, lane: str) -> dict[str, dict[str, str]]:
    """Every sort of key, as headers. All but the foreign one are of the estate's project."""
    now, mine = datetime.now(UTC), own_project(api)

    def own(name: str, *scopes: str, **columns: Any) -> dict[str, str]:
        return an_api_key(api, f"tf_{lane}_{name}", *scopes, project_id=mine, **columns)

    found = {
        "none": {"authorization": ""},
        "unknown": {"authorization": "Bearer tf_nobody"},
        "another secret": {"authorization": f"Bearer {API_KEY}x"},
        "expired": own("expired", *SCOPES, expires_at=now),
        "revoked": own("revoked", *SCOPES, revoked_at=now),
        "foreign": an_api_key(api, f"tf_{lane}_foreign", *PROJECT_SCOPES),
        "without scopes": own("without_scopes"),
    }
    for scope in SCOPES:
        found[f"only {scope}"] = own(f"only_{scope}", scope)
        found[f"all but {scope}"] = own(f"all_but_{scope}", *(s for s in SCOPES if s != scope))
    return found


def needed_scope(answer: httpx.Response) -> str:
    """The scope that a refusal asks for."""
    assert_refused(answer, 403)
    [scope] = re.findall(r"\w+:\w+", answer.json()["error"]["message"])
    return str(scope)


async def test_the_routes_of_the_template_are_those_of_the_apps() -> None:
    for name, operations in (await operations_by_function()).items():
        function = template().functions[name]
        routed = {path for _, path in function.routes}
        app = import_module(function.module).handler.app
        sockets = {route.path for route in app.routes if isinstance(route, APIWebSocketRoute)}
        assert {path for _, path in operations} | sockets == routed - {DEFAULT_ROUTE}, name


async def test_what_is_public_exists() -> None:
    assert set(OPERATIONS) >= PUBLIC


@pytest.mark.parametrize("key", REFUSED_KEYS)
@pytest.mark.parametrize("operation", GUARDED, ids=title)
@pytest.mark.attack("keys: missing, wrong, expired, revoked, without the scope")
async def test_without_a_valid_key_nobody_gets_in(
    estate: Estate, operation: Operation, key: str
) -> None:
    before = estate.contents()
    answer = await estate.call(operation, estate.keys[key])
    assert_refused(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert estate.contents() == before


@pytest.mark.parametrize("operation", GUARDED, ids=title)
async def test_every_invalid_key_gets_the_same_answer(estate: Estate, operation: Operation) -> None:
    answers = [await estate.call(operation, estate.keys[key]) for key in REFUSED_KEYS[1:]]
    errors = [answer.json()["error"] | {"request_id": None} for answer in answers]
    assert errors == errors[:1] * len(answers)


@pytest.mark.parametrize("operation", GUARDED, ids=title)
@pytest.mark.attack("keys: missing, wrong, expired, revoked, without the scope")
async def test_a_key_needs_the_one_scope_that_the_operation_names(
    estate: Estate, operation: Operation
) -> None:
    before = estate.contents()
    scope = needed_scope(await estate.call(operation, estate.keys["without scopes"]))
    assert scope in SCOPES
    lacking = await estate.call(operation, estate.keys[f"all but {scope}"])
    assert needed_scope(lacking) == scope
    assert estate.contents() == before
    nowhere = dict.fromkeys(estate.ids, str(uuid4()))
    holding = await estate.call(operation, estate.keys[f"only {scope}"], nowhere)
    assert holding.status_code in (200, 202, 400, 404), holding.text
    assert estate.contents() == before


@pytest.mark.parametrize("operation", OF_ONE_THING, ids=title)
@pytest.mark.attack("other tenants: their things")
async def test_another_projects_thing_cannot_be_told_from_none(
    estate: Estate, operation: Operation
) -> None:
    before = estate.contents()
    errors = []
    for ids in (estate.ids, dict.fromkeys(estate.ids, str(uuid4()))):
        answer = await estate.call(operation, estate.keys["foreign"], ids)
        assert_refused(answer, 404)
        errors.append(answer.json()["error"] | {"request_id": None})
    assert errors[0] == errors[1]
    assert estate.contents() == before


@pytest.mark.parametrize("operation", GUARDED, ids=title)
@pytest.mark.attack("other tenants: their things")
async def test_no_answer_tells_a_key_of_another_project_anything(
    estate: Estate, operation: Operation
) -> None:
    before = estate.contents()
    answer = await estate.call(operation, estate.keys["foreign"])
    needed = needed_scope(await estate.call(operation, estate.keys["without scopes"]))
    if needed in PLATFORM_SCOPES:
        assert_refused(answer, 403)
    assert answer.status_code in (200, 202, 400, 403, 404), answer.text
    for id in (*estate.ids.values(), str(own_project(estate.api))):
        assert id not in answer.text
        assert UUID(id).hex not in answer.text
    assert estate.contents() == before


@pytest.mark.parametrize("operation", sorted(PUBLIC), ids=title)
async def test_what_is_public_asks_for_no_key(estate: Estate, operation: Operation) -> None:
    ids = {"token": "no-such-token", "asset": "init.js", "id": estate.ids["id"]}
    answer = await estate.call(operation, estate.keys["none"], ids)
    assert answer.status_code in (200, 404, 503), answer.text
    assert own_project(estate.api).hex not in answer.text
