"""schemathesis with all its phases and checks: the platform does what the API document says.

TRIGGERFISH_FUZZ_EXAMPLES sets the number of random requests for each operation.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from moto import mock_aws

from local.cli.openapi import DOCUMENTED
from local.cli.paths import PROJECT
from local.services.postgres import Postgres
from tests.conftest import API_KEY
from tests.documented import DOCUMENT
from tests.integration.fuzz.platform import URL, Platform, running
from tests.integration.lanes import ENVIRONMENT
from triggerfish.settings import Settings
from triggerfish.wiring.upkeep import migrate

EXAMPLES = os.environ.get("TRIGGERFISH_FUZZ_EXAMPLES", "3")
CONFIG = "tests/integration/fuzz/schemathesis.toml"


@pytest.fixture
def platform(postgres: Postgres, database_url: str) -> Iterator[Platform]:
    migrate(Settings(database_url=database_url, bootstrap_api_key=API_KEY))
    with queue() as queues, running({"TRIGGERFISH_DATABASE_URL": database_url} | queues) as served:
        yield served


@contextmanager
def queue() -> Iterator[dict[str, str]]:
    """A delivery queue by moto; nobody takes from it."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        url = boto3.client("sqs").create_queue(QueueName="deliveries")["QueueUrl"]
        queues = ("DELIVERIES_QUEUE", "DELIVERIES_DLQ", "NOTIFICATIONS_QUEUE", "IMPORTS_QUEUE")
        yield {f"TRIGGERFISH_{name}_URL": url for name in queues}


@pytest.mark.timeout(1200)
def test_all_checks_of_schemathesis_pass_on_every_operation(platform: Platform) -> None:
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG),
            *("run", DOCUMENTED, "--url", platform.url, "--checks", "all"),
            *("--header", f"Authorization: Bearer {API_KEY}"),
            *("--max-examples", EXAMPLES, "--continue-on-failure"),
        ],
        cwd=PROJECT,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.integration.fuzz.hooks", URL: platform.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    operations = sum(len(item) for item in DOCUMENT["paths"].values())
    assert f"Tested: {operations}\n" in ran.stdout
