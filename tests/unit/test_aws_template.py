"""What the template promises for AWS beyond routes and queues: rights, alarms, secrets, numbers."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.package import DATABASE_CA
from local.runtime.intrinsics import parse
from local.runtime.template import load
from tests.sam import transformed

TEMPLATE = Path(__file__).parents[2] / "infra/template.yaml"
VPC_AND_LOGS = "AWSLambdaVPCAccessExecutionRole"
LOGS = "AWSLambdaBasicExecutionRole"
SENDERS = {
    "create_trigger",
    "manage_triggers",
    "control_trigger",
    "fire_webhook",
    "run_test",
    "replay_events",
    "tick",
}
QUEUE, IMPORTS, NOTIFICATIONS = QUEUES = ("DeliveriesQueue", "ImportsQueue", "NotificationsQueue")
DEAD = tuple(queue.replace("Queue", "DeadLetterQueue") for queue in QUEUES)
BUCKET = "UploadsBucket"
IMPORTERS = {"upload_file", "process_log_file", "sweep_jobs"}


@pytest.fixture
def resources(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return dict(transformed(TEMPLATE)["Resources"])


def of_type(resources: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == kind
    }


def roles(resources: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Function name → its role."""
    for properties in of_type(resources, "AWS::Lambda::Function").values():
        role = properties["Role"]["Fn::GetAtt"][0]
        yield properties["FunctionName"], resources[role]["Properties"]


def grants(role: dict[str, Any]) -> set[tuple[str, str]]:
    """(action, queue or bucket) of every statement; anything not of ours is shown whole."""
    found = set()
    for policy in role.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            actions, targets = as_list(statement["Action"]), as_list(statement["Resource"])
            found |= {(action, queue_of(target)) for action in actions for target in targets}
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def queue_of(target: Any) -> str:
    """The queue or bucket that an ARN names, written as Fn::GetAtt or as SAM's policy templates do."""
    text = json.dumps(target)
    if ":s3:::" in text and (f'"{BUCKET}"' in text or f"${{{BUCKET}}}" in text):
        return BUCKET
    names = [name for name in (*QUEUES, *DEAD) if f'"{name}"' in text]
    return names[0] if len(names) == 1 and "*" not in text else text


def test_each_function_may_do_what_it_does_with_the_queue_and_no_more(
    resources: dict[str, Any],
) -> None:
    expected: dict[str, set[tuple[str, str]]] = {
        name: {("sqs:SendMessage*", QUEUE)} for name in SENDERS
    }
    expected["observe"] = {("sqs:GetQueueAttributes", name) for name in (*QUEUES, *DEAD)}
    consume = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "SendMessage")
    expected["deliver"] = {(f"sqs:{action}", QUEUE) for action in consume}
    for name in ("manage_events", "sweep_notifications"):
        expected[name] = {("sqs:SendMessage*", NOTIFICATIONS)}
    expected["send_notification"] = {(f"sqs:{action}", NOTIFICATIONS) for action in consume[:3]}
    expected["send_notification"].add(("sqs:SendMessage", QUEUE))  # by firing a trigger
    expected |= {name: {("sqs:SendMessage*", IMPORTS)} for name in IMPORTERS}
    expected["process_log_file"] = {(f"sqs:{action}", IMPORTS) for action in consume}
    expected["process_log_file"] |= {("sqs:SendMessage", QUEUE)}
    expected["sweep_jobs"] |= {("sqs:SendMessage*", QUEUE)}
    found = {
        name: {one for one in grants(role) if one[1] != BUCKET} for name, role in roles(resources)
    }
    assert {name: rights for name, rights in found.items() if rights} == expected


def test_who_handles_uploads_may_read_write_and_delete_them_and_no_one_else(
    resources: dict[str, Any],
) -> None:
    found = {name: {a for a, of in grants(role) if of == BUCKET} for name, role in roles(resources)}
    assert {name for name, actions in found.items() if actions} == {*IMPORTERS, "manage_jobs"}
    assert found.pop("process_log_file") == {"s3:GetObject", "s3:ListBucket"}
    for actions in filter(None, found.values()):
        assert {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"} <= actions


def test_beyond_the_queue_a_function_may_join_the_network_and_write_logs(
    resources: dict[str, Any],
) -> None:
    found = [role for _, role in roles(resources)]
    assert len(found) > 10
    for role in found:
        managed = {
            json.dumps(arn).rstrip('"}').rpartition("/")[2] for arn in role["ManagedPolicyArns"]
        }
        assert VPC_AND_LOGS in managed
        assert managed <= {VPC_AND_LOGS, LOGS}


def test_alarms_watch_what_must_not_stop(resources: dict[str, Any]) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm").values()
    watched = {
        (alarm["MetricName"], json.dumps(alarm["Dimensions"][0]["Value"])) for alarm in alarms
    }
    assert watched == {
        *(
            ("ApproximateNumberOfMessagesVisible", f'{{"Fn::GetAtt": ["{name}", "QueueName"]}}')
            for name in DEAD
        ),
        ("ApproximateAgeOfOldestMessage", '{"Fn::GetAtt": ["' + QUEUE + '", "QueueName"]}'),
        ("Invocations", '{"Ref": "TickFunction"}'),
        ("Errors", '{"Ref": "TickFunction"}'),
        ("Errors", '{"Ref": "RetentionFunction"}'),
    }


def test_the_tick_of_aws_looks_further_ahead_than_two_of_its_runs_can_be_apart(
    resources: dict[str, Any],
) -> None:
    schedules = of_type(resources, "AWS::Scheduler::Schedule").values()
    (tick,) = [s for s in schedules if "TickFunction" in json.dumps(s["Target"]["Arn"])]
    assert tick["ScheduleExpression"] == "rate(1 minute)"
    horizon = json.loads(tick["Target"]["Input"])["horizon_seconds"]
    (variables,) = {
        json.dumps(f["Environment"]["Variables"]["TRIGGERFISH_LOOKAHEAD_SECONDS"])
        for f in of_type(resources, "AWS::Lambda::Function").values()
    }
    assert horizon == int(json.loads(variables)) == 150
    # EventBridge Scheduler starts a run any time within its minute, so two can be 120 s apart.
    assert 120 < horizon <= 900, "900 s is the longest DelaySeconds"


def test_no_password_is_in_the_template_and_the_database_is_encrypted(
    resources: dict[str, Any],
) -> None:
    (cluster,) = of_type(resources, "AWS::RDS::DBCluster").values()
    assert "{{resolve:secretsmanager:" in json.dumps(cluster["MasterUserPassword"])
    assert cluster["StorageEncrypted"] is True
    for function in of_type(resources, "AWS::Lambda::Function").values():
        url, _ = function["Environment"]["Variables"]["TRIGGERFISH_DATABASE_URL"]["Fn::Sub"]
        assert ":{{resolve:secretsmanager:${Arn}:SecretString:password}}@" in url


@pytest.mark.attack("secrets: the first key and the encryption key")
def test_functions_verify_the_databases_certificate(resources: dict[str, Any]) -> None:
    for function in of_type(resources, "AWS::Lambda::Function").values():
        url, _ = function["Environment"]["Variables"]["TRIGGERFISH_DATABASE_URL"]["Fn::Sub"]
        query = parse_qs(urlsplit(url.replace("{", "").replace("}", "")).query)
        assert query == {"sslmode": ["verify-full"], "sslrootcert": [f"/opt/{DATABASE_CA}"]}


@pytest.mark.attack("secrets: the first key and the encryption key")
def test_a_stack_is_not_made_without_an_encryption_key() -> None:
    keys = parse(TEMPLATE.read_text())["Parameters"]["EncryptionKeys"]
    assert "Default" not in keys
    good = f"k1:{base64.b64encode(bytes(32)).decode()}"
    for text, fits in (("", False), ("k1:short", False), (good, True), (f"{good},{good}", True)):
        assert (re.fullmatch(keys["AllowedPattern"], text) is not None) == fits


def test_what_is_only_for_aws_does_not_reach_local_processes() -> None:
    environment = load(TEMPLATE, sqs_endpoint="", environ={}).environment()
    assert environment["TRIGGERFISH_LOOKAHEAD_SECONDS"] == ""
    assert environment["TRIGGERFISH_DATABASE_URL"] == ""


@pytest.mark.attack("secrets: the first key and the encryption key")
def test_only_the_migration_holds_the_first_key(resources: dict[str, Any]) -> None:
    holders = {
        function["FunctionName"]
        for function in of_type(resources, "AWS::Lambda::Function").values()
        if "TRIGGERFISH_BOOTSTRAP_API_KEY" in function["Environment"]["Variables"]
    }
    assert holders == {"migrate"}
