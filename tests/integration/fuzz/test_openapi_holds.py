"""schemathesis with all its phases and checks: the platform does what the API document says.

TRIGGERFISH_FUZZ_EXAMPLES sets the number of random requests for each operation, _SEED what is
drawn, _LANES the ways into the functions.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from local.cli.openapi import DOCUMENTED
from local.cli.paths import PROJECT
from local.services.postgres import Postgres
from tests.conftest import API_KEY, ENCRYPTION_KEYS
from tests.documented import DOCUMENT
from tests.integration.fuzz.platform import URL, Platform, running
from tests.integration.lanes import ENVIRONMENT
from triggerfish.settings import Settings
from triggerfish.wiring.upkeep import migrate

EXAMPLES = os.environ.get("TRIGGERFISH_FUZZ_EXAMPLES", "3")
SEED = os.environ.get("TRIGGERFISH_FUZZ_SEED", "1")
LANES = os.environ.get("TRIGGERFISH_FUZZ_LANES", "native").split()
CONFIG = "tests/integration/fuzz/schemathesis.toml"


@pytest.fixture(params=LANES)
def platform(
    request: pytest.FixtureRequest, postgres: Postgres, database_url: str, tmp_path: Path
) -> Iterator[Platform]:
    migrate(
        Settings(
            database_url=database_url, bootstrap_api_key=API_KEY, encryption_keys=ENCRYPTION_KEYS
        )
    )
    places = {
        "TRIGGERFISH_DATABASE_URL": database_url,
        "TRIGGERFISH_OBJECT_STORE": f"file:{tmp_path}/objects",
        "TRIGGERFISH_HORIZON_WATCH_SECONDS": "1",
    }
    with queues() as urls, running(places | urls, lane=request.param) as served:
        yield served


@contextmanager
def queues() -> Iterator[dict[str, str]]:
    """Queues by moto; only imports are taken from theirs."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        sqs = boto3.client("sqs")
        names = ("DELIVERIES_QUEUE", "DELIVERIES_DLQ", "NOTIFICATIONS_QUEUE", "IMPORTS_QUEUE")
        yield {
            f"TRIGGERFISH_{name}_URL": sqs.create_queue(QueueName=name.lower())["QueueUrl"]
            for name in names
        }


@pytest.mark.timeout(5400)  # of `make fuzz` on a busy machine
def test_all_checks_of_schemathesis_pass_on_every_operation(platform: Platform) -> None:
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG),
            *("run", DOCUMENTED, "--url", platform.url, "--checks", "all"),
            *("--header", f"Authorization: Bearer {API_KEY}"),
            *("--max-examples", EXAMPLES, "--seed", SEED, "--continue-on-failure"),
            *("--request-timeout", "30"),
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
    print(ran.stdout)
