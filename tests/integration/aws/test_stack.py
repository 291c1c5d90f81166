"""The template as AWS would take it: moto's CloudFormation makes a stack of the transformed one."""

import io
import json
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.runtime.template import load
from tests.conftest import ENCRYPTION_KEYS
from tests.sam import BUCKET, packaged, transformed
from tests.unit.local.sample.paths import PROJECT_TEMPLATE

SKIPPED_BY_MOTO = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::RDS::DBCluster",
    "AWS::Scheduler::Schedule",
    "AWS::SecretsManager::Secret",
    "AWS::SecretsManager::SecretTargetAttachment",
}
"""What moto's CloudFormation does not know. Routes and schedules are compared by
tests/unit/local/test_template_equals_sam.py, alarms by tests/unit/test_aws_template.py; the rest is
only linted."""

FAILS_IN_MOTO = {"DatabaseInstance"}
"""Left out beforehand: moto knows no Aurora instances."""


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        whole = transformed(PROJECT_TEMPLATE)
    resources = {k: v for k, v in whole["Resources"].items() if k not in FAILS_IN_MOTO}
    return {**whole, "Resources": resources}


@pytest.fixture(scope="module")
def stack(plain: dict[str, Any]) -> Iterator[set[str]]:
    """The logical ids of what was created."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.delenv("AWS_ENDPOINT_URL_SQS", raising=False)
        with mock_aws(config={"lambda": {"use_docker": False}}):
            yield _create(plain)


def _create(plain: dict[str, Any]) -> set[str]:
    _upload_code()
    subnets = boto3.client("ec2").describe_subnets()["Subnets"]
    parameters = {
        "VpcId": subnets[0]["VpcId"],
        "SubnetIds": ",".join(subnet["SubnetId"] for subnet in subnets[:2]),
        "EncryptionKeys": ENCRYPTION_KEYS,
        "CatalogueSnsTopicArn": "arn:aws:sns:us-east-1:123456789012:catalogue",
        "CatalogueSesSender": "events@example.com",
    }
    cloud = boto3.client("cloudformation")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Tried to parse")  # what is missing, a test compares
        cloud.create_stack(
            StackName="triggerfish",
            TemplateBody=json.dumps(plain),
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        (found,) = cloud.describe_stacks(StackName="triggerfish")["Stacks"]
        assert found["StackStatus"] == "CREATE_COMPLETE"
        summaries = cloud.list_stack_resources(StackName="triggerfish")["StackResourceSummaries"]
    return {resource["LogicalResourceId"] for resource in summaries} - {""}  # moto's "none"


def _upload_code() -> None:
    """Something under every name that the template's code has."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("handler.py", "")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for resource in packaged(PROJECT_TEMPLATE)["Resources"].values():
        for key in {"CodeUri", "ContentUri"} & set(resource.get("Properties", {})):
            name = resource["Properties"][key].removeprefix(f"s3://{BUCKET}/")
            s3.put_object(Bucket=BUCKET, Key=name, Body=archive.getvalue())


def test_everything_is_created_but_what_moto_is_known_to_skip(
    plain: dict[str, Any], stack: set[str]
) -> None:
    resources = plain["Resources"]
    missing = {resources[name]["Type"] for name in set(resources) - stack}
    assert missing == SKIPPED_BY_MOTO


def test_the_queues_have_their_times_and_redrive(stack: set[str]) -> None:
    expected = load(PROJECT_TEMPLATE, sqs_endpoint="", environ={}).queues
    sqs = boto3.client("sqs")
    for name, attributes in expected.items():
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        reply = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        found = {str(name): value for name, value in reply["Attributes"].items()}
        for attribute, value in attributes.items():
            if attribute == "RedrivePolicy":
                assert _redrive(found[attribute]) == _redrive(value)
            else:
                assert found[attribute] == value, (name, attribute)


def _redrive(text: str) -> tuple[str, int]:
    policy = json.loads(text)
    return policy["deadLetterTargetArn"].rsplit(":", 1)[-1], int(policy["maxReceiveCount"])


def test_every_function_is_there_in_the_network_with_its_role_and_queue(stack: set[str]) -> None:
    ours = load(PROJECT_TEMPLATE, sqs_endpoint="", environ={}).functions
    client = boto3.client("lambda")
    found = {f["FunctionName"]: f for f in client.list_functions()["Functions"]}
    assert set(found) == set(ours)
    for name, function in found.items():
        assert function["Handler"] == "handler.handler"
        assert function["Timeout"] == ours[name].timeout_seconds
        assert len(function["VpcConfig"]["SubnetIds"]) == 2
        assert len(function["VpcConfig"]["SecurityGroupIds"]) == 1
        variables = function["Environment"]["Variables"]
        assert variables["TRIGGERFISH_DELIVERIES_QUEUE_URL"].endswith("/triggerfish-deliveries")
        assert variables["TRIGGERFISH_LOOKAHEAD_SECONDS"] == "150"


def test_the_queue_feeds_deliver_and_takes_back_single_messages(stack: set[str]) -> None:
    mappings = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    fed = {
        (
            mapping["FunctionArn"].rpartition(":")[2],
            mapping["EventSourceArn"].rpartition(":")[2],
            mapping["BatchSize"],
            *mapping["FunctionResponseTypes"],
        )
        for mapping in mappings
    }
    assert fed == {
        ("deliver", "triggerfish-deliveries", 10, "ReportBatchItemFailures"),
        ("send_notification", "triggerfish-notifications", 10, "ReportBatchItemFailures"),
        ("process_log_file", "triggerfish-imports", 1, "ReportBatchItemFailures"),
    }


def test_logs_are_kept_for_a_while(stack: set[str]) -> None:
    (group,) = boto3.client("logs").describe_log_groups()["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == ("/triggerfish/functions", 30)


def test_the_database_is_open_to_the_functions_alone(stack: set[str]) -> None:
    groups = boto3.client("ec2").describe_security_groups()["SecurityGroups"]
    by_description = {group["Description"]: group for group in groups}
    functions = by_description["Triggerfish functions"]
    (rule,) = by_description["Triggerfish database, open to its functions"]["IpPermissions"]
    assert rule["IpRanges"] == []
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [functions["GroupId"]]
