"""One API a module and lane, with a static admin token; every test finds an empty catalogue."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import boto3
import pytest
import pytest_asyncio

from tests.conftest import API_KEY, ENCRYPTION_KEYS
from tests.databases import Databases
from tests.integration.catalogue.actions import TOKEN, Catalogue
from tests.integration.lanes import LANES, serving
from tests.mocked_aws import mocked_aws
from triggerfish.settings import Settings
from triggerfish.wiring.upkeep import migrate


@pytest.fixture(scope="module")
def served_notifications_url() -> Iterator[str]:
    """The queue of notifications, mocked by moto."""
    with pytest.MonkeyPatch.context() as patch, mocked_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.delenv("AWS_ENDPOINT_URL_SQS", raising=False)
        yield str(boto3.client("sqs").create_queue(QueueName="notifications")["QueueUrl"])


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[str]:
    with databases.lent() as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LANES)
async def served(
    request: pytest.FixtureRequest, database: str, served_notifications_url: str
) -> AsyncIterator[Catalogue]:
    first = Settings(
        database_url=database, bootstrap_api_key=API_KEY, encryption_keys=ENCRYPTION_KEYS
    )
    await asyncio.to_thread(migrate, first)
    settings = {
        "TRIGGERFISH_NOTIFICATIONS_QUEUE_URL": served_notifications_url,
        "TRIGGERFISH_CATALOGUE_ADMIN_TOKEN": TOKEN,
        "TRIGGERFISH_CATALOGUE_SUMMARY_DELAY_MS": "2",
    }
    async with serving(request.param, database, settings) as api:
        yield Catalogue(api, served_notifications_url)


@pytest.fixture
def catalogue(served: Catalogue) -> Catalogue:
    served.empty()
    return served
