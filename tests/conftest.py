"""Fixtures of all tests: a real Postgres with a database a test, mocked queues, a clock to move."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import boto3
import psycopg
import pytest
from moto import mock_aws

from local.services.postgres import Postgres
from tests.clock import VirtualClock
from tests.invariants import assert_invariants, last_retention
from tests.receiver import Receiver
from triggerfish.adapters.db.migrate import upgrade
from triggerfish.domain.access import Principal
from triggerfish.settings import Settings
from triggerfish.wiring import Wiring, install

API_KEY = "tf_test_0123456789abcdefghijklmnopqrstuv"
ENCRYPTION_KEYS = "test:" + base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One server for the whole run; durability does not matter to tests."""
    server = Postgres(
        tmp_path_factory.mktemp("postgres") / "data",
        settings={"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
    )
    with server:
        yield server


@pytest.fixture(scope="session")
def template_database(postgres: Postgres) -> str:
    """A migrated database that every test's own is a copy of."""
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE triggerfish_template")
    upgrade(postgres.url("triggerfish_template"))
    return "triggerfish_template"


@pytest.fixture
def database_url(postgres: Postgres, template_database: str) -> Iterator[str]:
    """A fresh, migrated database."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}")
        yield postgres.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC))


@pytest.fixture
def queue_urls(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """The delivery queue and its dead-letter queue, mocked by moto."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL_SQS", raising=False)
    with mock_aws():
        sqs = boto3.client("sqs")
        dead = sqs.create_queue(QueueName="deliveries-dlq")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
        redrive = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": 5}
        queue = sqs.create_queue(
            QueueName="deliveries",
            Attributes={"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "360"},
        )["QueueUrl"]
        yield queue, dead


def a_queue(name: str) -> str:
    """Its URL."""
    return str(boto3.client("sqs").create_queue(QueueName=name)["QueueUrl"])


@pytest.fixture
def imports_url(queue_urls: tuple[str, str]) -> str:
    """The queue of import jobs, beside that of deliveries."""
    return a_queue("imports")


@pytest.fixture
def notifications_url(queue_urls: tuple[str, str]) -> str:
    """The queue of the catalogue's notifications, beside that of deliveries."""
    return a_queue("notifications")


@pytest.fixture
def settings(
    database_url: str,
    queue_urls: tuple[str, str],
    imports_url: str,
    notifications_url: str,
    tmp_path: Path,
) -> Settings:
    return Settings(
        database_url=database_url,
        deliveries_queue_url=queue_urls[0],
        deliveries_dlq_url=queue_urls[1],
        imports_queue_url=imports_url,
        imports_dlq_url=a_queue("imports-dlq"),
        object_store=f"file:{tmp_path}/objects",
        notifications_queue_url=notifications_url,
        notifications_dlq_url=a_queue("notifications-dlq"),
        egress_allow="127.0.0.0/8,::1/128",
        public_url="http://triggerfish.test",
        encryption_keys=ENCRYPTION_KEYS,
        lookahead_seconds=2,
    )


@pytest.fixture
async def parts(
    settings: Settings, clock: VirtualClock, request: pytest.FixtureRequest
) -> AsyncIterator[Wiring]:
    """The platform's parts on the virtual clock; the invariants hold when the test is done."""
    wired = Wiring(settings, clock=clock)
    install(wired)
    await wired.ensure_bootstrap(API_KEY)
    yield wired
    await wired.close()
    if request.node.get_closest_marker("breaks_invariants") is None:
        url = settings.database_url
        assert_invariants(
            url, now=clock.now(), retention=settings.retention, retained_at=last_retention(url)
        )


@pytest.fixture
async def caller(parts: Wiring) -> Principal:
    principal = await parts.authenticate(API_KEY)
    assert principal is not None
    return principal


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A customer's endpoint: a real HTTP server on loopback."""
    server = Receiver()
    await server.start()
    yield server
    await server.stop()
