"""Each packaged function answers under Lambda's own runtime client, with its AWS settings."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from infra.package import DATABASE_CA, HOST_ONLY, UNZIPPED_LIMIT, ZIPPED_LIMIT, size
from local.runtime.events import sqs_event
from local.runtime.model import Function
from local.runtime.template import load
from local.services.postgres import Postgres
from tests.conftest import API_KEY, ENCRYPTION_KEYS
from tests.integration.aws.aws_endpoints import RecordingSqs, recording_sqs
from tests.integration.aws.lambda_host import (
    AUTHORITIES,
    LambdaHost,
    copy_client,
    lambda_environment,
    make_package,
)
from tests.sam import transformed
from tests.unit.local.sample.paths import PROJECT_TEMPLATE
from tests.unit.test_aws_template import grants, roles

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Lambda's runtime client is for Linux"),
    pytest.mark.timeout(300),
]

FUNCTIONS = load(PROJECT_TEMPLATE, sqs_endpoint="http://sqs", environ={}).functions


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_package(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def sqs() -> Iterator[RecordingSqs]:
    with recording_sqs() as running:
        yield running


@pytest.fixture(scope="module")
def host(
    layer: Path, sqs: RecordingSqs, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LambdaHost]:
    """All functions over a database that their own `migrate` has made ready."""
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE on_lambda")
    client = copy_client(tmp_path_factory.mktemp("var") / "runtime")
    environment = lambda_environment(
        {
            "TRIGGERFISH_DATABASE_URL": postgres.url("on_lambda"),
            "TRIGGERFISH_DATABASE_POOL_SIZE": "2",
            "TRIGGERFISH_BOOTSTRAP_API_KEY": API_KEY,
            "TRIGGERFISH_ENCRYPTION_KEYS": ENCRYPTION_KEYS,
            "TRIGGERFISH_DELIVERIES_QUEUE_URL": f"http://{sqs.address}/0/triggerfish-deliveries",
            "TRIGGERFISH_DELIVERIES_DLQ_URL": f"http://{sqs.address}/0/triggerfish-deliveries-dlq",
            "TRIGGERFISH_IMPORTS_QUEUE_URL": f"http://{sqs.address}/0/triggerfish-imports",
            "TRIGGERFISH_OBJECT_STORE": f"file:{tmp_path_factory.mktemp('uploads')}",
            "TRIGGERFISH_LOOKAHEAD_SECONDS": "150",
            "TRIGGERFISH_TICK_SECONDS": "60",
            "AWS_ENDPOINT_URL_SQS": f"http://{sqs.address}",
            "TRIGGERFISH_EGRESS_ALLOW": "127.0.0.1/32",
        }
    )
    workspace = tmp_path_factory.mktemp("task")
    running = LambdaHost(FUNCTIONS, workspace, [layer / "python", client], environment)
    try:
        running.invoke("migrate", {})
        yield running
    finally:
        running.close()


def request(method: str, path: str, body: Any = None) -> httpx.Request:
    headers = {"authorization": f"Bearer {API_KEY}"}
    return httpx.Request(method, f"https://api.test{path}", json=body, headers=headers)


def test_the_layer_is_within_lambdas_limits(layer: Path) -> None:
    largest = max(
        size(path.parent) for path in PROJECT_TEMPLATE.parents[1].glob("functions/*/handler.py")
    )
    assert size(layer) + largest <= UNZIPPED_LIMIT
    assert layer.with_suffix(".zip").stat().st_size <= ZIPPED_LIMIT


def test_the_layer_holds_the_authorities_of_the_database(layer: Path) -> None:
    assert (layer / DATABASE_CA).read_text() == AUTHORITIES


def test_the_layer_holds_what_the_functions_need_and_nothing_of_the_local_host(layer: Path) -> None:
    names = {
        path.name.partition("-")[0].replace("_", "-") for path in layer.glob("python/*.dist-info")
    }
    assert {"fastapi", "psycopg-binary", "boto3", "jsonschema-rs"} <= names
    assert not names & {*HOST_ONLY, "pip", "hatchling", "pytest", "uvloop"}
    assert not (layer / "python/local").exists()
    assert (layer / "python/triggerfish/migrations/versions").is_dir()
    assert (layer / "python/triggerfish/edge/openapi/files/openapi.json").is_file()
    assert (layer / "python/fastapi_swagger/resources/swagger-ui-bundle.js").is_file()


def test_the_layer_can_speak_to_every_aws_service_that_the_functions_use(layer: Path) -> None:
    code = "".join(path.read_text() for path in layer.glob("python/triggerfish/**/*.py"))
    used = set(re.findall(r'boto3\.client\(\s*"(\w+)"', code))
    data = layer / "python/botocore/data"
    assert used == {folder.name for folder in data.iterdir() if folder.is_dir()}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_a_function_answers_one_event_of_each_of_its_kinds(
    host: LambdaHost, function: Function
) -> None:
    assert function.routes or function.queues or function.schedules or function.name == "migrate"
    for method, path in function.routes[:1]:
        path = with_ids(path.replace("$default", "/unknown"))
        call = request("POST", path, {}) if method == "POST" else request("GET", path)
        status, body = host.http(function.name, call)
        assert status < 500 or path == "/health", body  # at first there was no tick
        assert json.loads(body)
    for _ in function.queues:
        poison = message("not a job")
        answer = host.invoke(function.name, sqs_event("triggerfish-deliveries", [poison]))
        assert answer == {"batchItemFailures": [{"itemIdentifier": poison["MessageId"]}]}
    for schedule in function.schedules:
        report = host.invoke(function.name, schedule.input or {})
        assert all(isinstance(count, int) for count in report.values())
        assert report


def with_ids(path: str) -> str:
    return "/".join(str(UUID(int=1)) if part.startswith("{") else part for part in path.split("/"))


def message(body: str) -> dict[str, Any]:
    return {"MessageId": str(uuid4()), "ReceiptHandle": "r", "Body": body, "MD5OfBody": "0"}


def test_an_event_goes_its_whole_way_through_lambda(
    host: LambdaHost, sqs: RecordingSqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Created, fired, enqueued, delivered (to nobody, since nothing listens there) and seen.

    On the way no function asks more of the queue than its role allows.
    """
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    trigger = {
        "type": "api",
        "name": "orders",
        "schema": {},
        "endpoint": {"url": "http://127.0.0.1:2/"},
    }
    status, body = host.http("create_trigger", request("POST", "/api/v1/triggers", trigger))
    assert status == 201, body
    token = json.loads(body)["webhook_url"].rpartition("/")[2]
    status, body = host.http("fire_webhook", request("POST", f"/api/v1/webhook/{token}", {"n": 1}))
    assert status == 202, body
    event_id = json.loads(body)["event_id"]
    (job,) = [body for body in sqs.bodies if event_id in body]
    assert host.invoke("deliver", sqs_event("triggerfish-deliveries", [message(job)])) == {
        "batchItemFailures": []
    }
    status, body = host.http("query_event_logs", request("GET", f"/api/v1/event-logs/{event_id}"))
    assert status == 200, body
    log = json.loads(body)
    assert (log["payload"], log["attempt_count"]) == ({"n": 1}, 1)
    assert log["attempts"][0]["error"] == log["last_error"] is not None
    assert {"fire_webhook"} <= set(sqs.actions)
    assert {name for name in sqs.actions if not sqs.actions[name] <= allowed(name)} == set()


def test_a_file_goes_its_whole_way_through_lambda(host: LambdaHost, sqs: RecordingSqs) -> None:
    """Uploaded, enqueued, imported and looked up; its store is a folder here."""
    entry = {"timestamp": "2026-03-02T12:00:00Z", "level": "info", "service": "s", "message": "m"}
    content = json.dumps(entry).encode() + b"\n\xff\n"
    headers = {"authorization": f"Bearer {API_KEY}"}
    upload = httpx.Request(
        "POST",
        "https://api.test/api/v1/files/upload",
        files={"file": ("app.jsonl", content)},
        headers=headers,
    )
    upload.read()
    status, body = host.http("upload_file", upload)
    assert status == 202, body
    job_id = json.loads(body)["job_id"]
    (job,) = [body for body in sqs.bodies if job_id in body]
    assert host.invoke("process_log_file", sqs_event("triggerfish-imports", [message(job)])) == {
        "batchItemFailures": []
    }
    status, body = host.http("manage_jobs", request("GET", f"/api/v1/jobs/{job_id}"))
    found = json.loads(body)
    assert (status, found["status"]) == (200, "completed"), body
    assert found["lines"] == {"total": 2, "accepted": 1, "rejected": 1}


def allowed(function: str) -> set[str]:
    """Actions on the queue that the function's role grants; sending is one right, batch or not."""
    (role,) = [
        role for name, role in roles(transformed(PROJECT_TEMPLATE)["Resources"]) if name == function
    ]
    actions = {action.removeprefix("sqs:").rstrip("*") for action, _ in grants(role)}
    return actions | {"SendMessageBatch"} if "SendMessage" in actions else actions
