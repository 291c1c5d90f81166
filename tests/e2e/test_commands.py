"""The operator's commands and Lambda clients against a running platform."""

import json
import subprocess
from typing import Any

import boto3
import httpx
import pytest

from tests.e2e.platform import Platform


def run(shared: Platform, *arguments: str, stdin: str = "") -> Any:
    """What a `triggerfish` command prints, as JSON."""
    return json.loads(output(shared, *arguments, stdin=stdin))


def output(shared: Platform, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        shared.command(*arguments),
        env=shared.environment(),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_invoke_runs_one_function_against_the_running_platform(shared: Platform) -> None:
    report = run(shared, "invoke", "tick", "-e", "-", stdin='{"horizon_seconds": 2}')
    assert report == {"fired": 0, "skipped": 0, "swept": 0}


def test_verify_judges_every_rule_on_the_running_platform(shared: Platform) -> None:
    report = run(shared, "verify", "--json")
    assert report["ok"] is True
    assert {rule["invariant"] for rule in report["rules"]} >= {"I1", "I5", "I9", "I12"}
    assert all(rule["broken"] == 0 for rule in report["rules"])


@pytest.mark.parametrize("lane", [[], ["--event-lane"]], ids=["native lane", "event lane"])
def test_a_generated_http_event_can_be_invoked(shared: Platform, lane: list[str]) -> None:
    event = run(shared, "generate-event", "http")
    event["rawPath"] = event["requestContext"]["http"]["path"] = "/health/live"
    event["requestContext"]["http"]["method"] = "GET"
    answer = run(shared, "invoke", "observe", "-e", "-", *lane, stdin=json.dumps(event))
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"status": "up"}


def test_a_generated_queue_message_that_is_no_job_fails_alone(shared: Platform) -> None:
    event = run(shared, "generate-event", "sqs")
    message_id = event["Records"][0]["messageId"]
    answer = run(shared, "invoke", "deliver", "-e", "-", stdin=json.dumps(event))
    assert answer == {"batchItemFailures": [{"itemIdentifier": message_id}]}


def test_a_generated_schedule_event_can_be_invoked(shared: Platform) -> None:
    event = run(shared, "generate-event", "schedule")
    report = run(shared, "invoke", "retention", "-e", "-", stdin=json.dumps(event))
    assert set(report) == {"moved", "deleted", "dropped_partitions"}


def test_the_operator_issues_a_key_for_a_project(shared: Platform) -> None:
    key = output(shared, "issue-key", "default", "--scope", "triggers:read").strip()
    answer = httpx.get(f"{shared.url}/api/v1/triggers", headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200


def test_boto3_invokes_functions_with_the_secret_of_the_state_folder(shared: Platform) -> None:
    note = json.loads((shared.state_dir / "platform.json").read_text())
    client = boto3.client(
        "lambda",
        endpoint_url=note["invoke_url"],
        region_name="us-east-1",
        aws_access_key_id="triggerfish",
        aws_secret_access_key=(shared.state_dir / "invoke-secret").read_text().strip(),
    )
    try:
        answer = client.invoke(FunctionName="tick", Payload=b'{"horizon_seconds": 2}')
        with answer["Payload"] as payload:
            report = json.load(payload)
    finally:
        client.close()
    assert answer["StatusCode"] == 200
    assert "FunctionError" not in answer
    assert set(report) == {"fired", "skipped", "swept"}
