"""One API a module and lane: nothing in here may change its database, which every test checks."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.conftest import API_KEY, ENCRYPTION_KEYS
from tests.databases import Databases
from tests.integration.bad_input.table import API
from tests.integration.lanes import LANES, NOBODY, Api, serving
from triggerfish.settings import Settings
from triggerfish.wiring.upkeep import migrate


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[str]:
    """One database for the whole table: nothing in here may change it."""
    with databases.lent() as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LANES)
async def api(request: pytest.FixtureRequest, database: str) -> AsyncIterator[Api]:
    first = Settings(
        database_url=database, bootstrap_api_key=API_KEY, encryption_keys=ENCRYPTION_KEYS
    )
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
