"""The first key: any text that the operator sets, ensured by every migration, never by force."""

from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from local.services.postgres import Postgres
from tests.clock import VirtualClock
from tests.conftest import API_KEY
from tests.integration.lanes import dsn
from triggerfish.adapters.db.migrate import MIGRATIONS, upgrade
from triggerfish.domain.access import SCOPES, Principal, hash_secret
from triggerfish.domain.errors import Conflict, InvalidInput, NotFound
from triggerfish.settings import Settings
from triggerfish.usecases.manage_keys import create_key, list_keys, revoke_key, rotate_key
from triggerfish.usecases.manage_projects import create_project, issue_key
from triggerfish.wiring import Wiring

ADMIN = {"name": "second", "scopes": list(SCOPES)}


async def test_two_keys_that_begin_alike_are_two_keys(parts: Wiring, caller: Principal) -> None:
    alike = API_KEY[:-1] + "!"
    await parts.ensure_bootstrap(alike)
    second = await parts.authenticate(alike)
    first = await parts.authenticate(API_KEY)
    assert first == caller
    assert second is not None
    assert second.key_id != caller.key_id
    assert second.project_id == caller.project_id


@pytest.mark.parametrize("key", ["k", "correct horse battery staple", "a" * 200, "tf_"])
async def test_any_text_can_be_the_first_key(parts: Wiring, caller: Principal, key: str) -> None:
    await parts.ensure_bootstrap(key)
    principal = await parts.authenticate(key)
    assert principal is not None
    assert principal.scopes == frozenset(SCOPES)
    page = await list_keys(principal, parts.manage_keys, limit=10, cursor=None)
    assert all(key not in one.prefix for one in page.items if len(key) > 1)


async def test_ensuring_a_key_again_gives_back_nothing_that_was_taken(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    second = await create_key(ADMIN, caller, parts.manage_keys)
    admin = await parts.authenticate(second.secret)
    assert admin is not None
    await revoke_key(caller.key_id, admin, parts.manage_keys)
    await parts.ensure_bootstrap(API_KEY)
    assert await parts.authenticate(API_KEY) is None
    await rotate_key(second.key.id, {"overlap_seconds": 60}, admin, parts.manage_keys)
    await parts.ensure_bootstrap(second.secret)
    clock.advance(seconds=60)
    assert await parts.authenticate(second.secret) is None


async def test_another_first_key_is_the_way_back_in(parts: Wiring, caller: Principal) -> None:
    await parts.ensure_bootstrap("another key")
    principal = await parts.authenticate("another key")
    assert principal is not None
    assert principal.project_id == caller.project_id
    assert await parts.authenticate(API_KEY) == caller


async def test_a_key_of_another_project_does_not_become_the_first(parts: Wiring) -> None:
    new = await create_project({"name": "acme"}, parts.manage_projects)
    with pytest.raises(Conflict):
        await parts.ensure_bootstrap(new.first_key.secret)
    tenant = await parts.authenticate(new.first_key.secret)
    assert tenant is not None
    assert tenant.project_id == new.project.id
    assert "projects:admin" not in tenant.scopes


async def test_a_key_from_before_prefixes_were_unique_works_on(postgres: Postgres) -> None:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            await _old_key_works_on(postgres.url(name))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def _old_key_works_on(url: str) -> None:
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    project, key = uuid4(), uuid4()
    with psycopg.connect(dsn(url)) as database:
        database.execute("INSERT INTO projects VALUES (%s, 'default', now())", (project,))
        database.execute(
            "INSERT INTO api_keys (id, project_id, name, prefix, key_hash, scopes, created_at)"
            " VALUES (%s, %s, 'bootstrap', %s, %s, %s, now())",
            (key, project, API_KEY[:12], hash_secret(API_KEY), list(SCOPES[:5])),
        )
    upgrade(url)
    parts = Wiring(Settings(database_url=url))
    try:
        assert await parts.authenticate(API_KEY) == Principal(project, key, frozenset(SCOPES[:5]))
        await parts.ensure_bootstrap(API_KEY)
        assert await parts.authenticate(API_KEY) == Principal(project, key, frozenset(SCOPES))
    finally:
        await parts.close()


async def test_the_operator_issues_a_key_for_a_project_that_has_none_left(parts: Wiring) -> None:
    created = await create_project({"name": "acme"}, parts.manage_projects)
    await parts.database.run(
        text("DELETE FROM api_keys WHERE project_id = :id RETURNING id"), id=created.project.id
    )
    wanted = {"name": "operator", "scopes": ["keys:admin"], "expires_in": "1h"}
    issued = await issue_key("acme", wanted, parts.manage_projects, parts.keys)
    caller = await parts.authenticate(issued.secret)
    assert caller is not None
    assert caller.project_id == created.project.id
    assert caller.scopes == {"keys:admin"}


@pytest.mark.parametrize(
    ("project", "scope", "error"),
    [
        ("nobody", "triggers:read", NotFound),
        ("default", "everything", InvalidInput),
        ("acme", "projects:admin", InvalidInput),  # it would gain the platform
    ],
)
async def test_an_issued_key_is_of_a_known_project_and_stays_within_it(
    parts: Wiring, project: str, scope: str, error: type[Exception]
) -> None:
    await create_project({"name": "acme"}, parts.manage_projects)
    with pytest.raises(error):
        await issue_key(
            project, {"name": "x", "scopes": [scope]}, parts.manage_projects, parts.keys
        )
