"""One API a module and lane, with a static admin token; every test finds an empty catalogue."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import boto3
import psycopg
import pytest
import pytest_asyncio
from moto import mock_aws

from local.services.postgres import Postgres
from tests.conftest import API_KEY
from tests.integration.catalogue.actions import TOKEN, Catalogue
from tests.integration.lanes import LANES, serving
from triggerfish.settings import Settings
from triggerfish.wiring.upkeep import migrate


@pytest.fixture(scope="module")
def served_notifications_url() -> Iterator[str]:
    """The queue of notifications, mocked by moto."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.delenv("AWS_ENDPOINT_URL_SQS", raising=False)
        yield str(boto3.client("sqs").create_queue(QueueName="notifications")["QueueUrl"])


@pytest.fixture(scope="module")
def database(postgres: Postgres, template_database: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}".encode())
        yield postgres.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LANES)
async def served(
    request: pytest.FixtureRequest, database: str, served_notifications_url: str
) -> AsyncIterator[Catalogue]:
    first = Settings(database_url=database, bootstrap_api_key=API_KEY)
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
