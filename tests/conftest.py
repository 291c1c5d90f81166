"""Fixtures of all tests: a real Postgres with a database a test, mocked queues, a clock to move."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from local.services.postgres import Postgres
from tests import order
from tests.clock import VirtualClock
from tests.databases import Databases
from tests.invariants import assert_invariants, last_retention
from tests.mocked_aws import aws_endpoint, mocked_aws
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.settings import Settings
from triggerfish.wiring import Wiring, install

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

API_KEY = "tf_test_0123456789abcdefghijklmnopqrstuv"
# How long an example takes is the machine's business: a busy one must fail no test.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")
ENCRYPTION_KEYS = "test:" + base64.b64encode(bytes(range(32))).decode()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order.longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return order.WholeFiles(config, log)


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
def databases(postgres: Postgres) -> Iterator[Databases]:
    """Where tests get databases of their own."""
    with Databases(postgres) as lender:
        yield lender


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """An empty, migrated database."""
    with databases.lent() as url:
        yield url


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC))


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator["SQSClient"]:
    """SQS as moto mocks it, without a queue."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL_SQS", raising=False)
    with mocked_aws():
        yield boto3.client("sqs")


@pytest.fixture
def queue_urls(sqs: "SQSClient") -> tuple[str, str]:
    """The delivery queue and its dead-letter queue."""
    dead = sqs.create_queue(QueueName="deliveries-dlq")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    redrive = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": 5}
    queue = sqs.create_queue(
        QueueName="deliveries",
        Attributes={"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "360"},
    )["QueueUrl"]
    return queue, dead


@pytest.fixture
def imports_url(sqs: "SQSClient") -> str:
    """The queue of import jobs, beside that of deliveries."""
    return sqs.create_queue(QueueName="imports")["QueueUrl"]


@pytest.fixture
def notifications_url(sqs: "SQSClient") -> str:
    """The queue of the catalogue's notifications, beside that of deliveries."""
    return sqs.create_queue(QueueName="notifications")["QueueUrl"]


@pytest.fixture
def settings(
    database_url: str,
    sqs: "SQSClient",
    queue_urls: tuple[str, str],
    imports_url: str,
    notifications_url: str,
    tmp_path: Path,
) -> Settings:
    return Settings(
        database_url=database_url,
        sqs_endpoint_url=aws_endpoint(),
        deliveries_queue_url=queue_urls[0],
        deliveries_dlq_url=queue_urls[1],
        imports_queue_url=imports_url,
        imports_dlq_url=sqs.create_queue(QueueName="imports-dlq")["QueueUrl"],
        object_store=f"file:{tmp_path}/objects",
        notifications_queue_url=notifications_url,
        notifications_dlq_url=sqs.create_queue(QueueName="notifications-dlq")["QueueUrl"],
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
