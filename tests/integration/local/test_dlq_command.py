"""`triggerfish dlq` as an operator types it: tables and JSON of messages and their events."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import pytest
from typer.testing import CliRunner, Result

from local.cli.main import app
from tests.factories import an_api_trigger
from tests.integration.lanes import Api
from triggerfish.settings import Settings

UNKNOWN_EVENT = UUID("01a20371-0000-7000-8000-000000000000")
QUEUES = ("deliveries", "imports", "notifications")
NOWHERE = "postgresql+psycopg://nobody@/nothing?host=/nowhere&port=1"


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The platform as environment variables, which win over the template."""
    monkeypatch.setenv("TRIGGERFISH_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "https://sqs.us-east-1.amazonaws.com")  # moto's
    urls = (f"{queue}_{kind}_url" for queue in QUEUES for kind in ("queue", "dlq"))
    for name in ("database_url", *urls):
        monkeypatch.setenv(f"TRIGGERFISH_{name.upper()}", getattr(settings, name))
    for name in ("LOOKAHEAD_SECONDS", "BOOTSTRAP_API_KEY", "PUBLIC_URL"):
        monkeypatch.setenv(f"TRIGGERFISH_{name}", "")  # so that what the command sets is unset


def dlq(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["dlq", *arguments], input=answer)


def printed(*arguments: str) -> Any:
    done = dlq(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def bury(settings: Settings, body: str) -> str:
    """A message in the dead-letter queue; its id."""
    sent = boto3.client("sqs").send_message(QueueUrl=settings.deliveries_dlq_url, MessageBody=body)
    return sent["MessageId"]


def job(event_id: object) -> str:
    event = {"id": str(event_id), "due_at_us": 0, "endpoint_key": "e"}
    job = {"v": 2, "events": [event]}
    return json.dumps(job)


@pytest.fixture
async def event_id(api: Api) -> str:
    """An event that waits for its delivery."""
    trigger = await api.create(an_api_trigger("https://example.com/hook"))
    return await api.fire(trigger, b'{"id": 42}')


def test_without_dead_letters_it_says_so() -> None:
    assert dlq("list").stdout == "There are no dead letters.\n"
    assert printed("list") == []


def test_a_message_is_listed_with_its_event_or_with_why_it_is_no_job(
    settings: Settings, event_id: str
) -> None:
    real, gone = bury(settings, job(event_id)), bury(settings, job(UNKNOWN_EVENT))
    poison = bury(settings, "not json" * 100)
    rows = {row["message_id"]: row for row in printed("list")}
    assert rows[real]["event_id"] == event_id
    assert (rows[real]["event_status"], rows[real]["problem"]) == ("pending", None)
    assert rows[gone]["event_id"] == str(UNKNOWN_EVENT)
    assert rows[gone]["problem"] == "not in the log (any more)"
    assert rows[poison]["bytes"] == 800
    assert rows[poison]["problem"].startswith("The message is not JSON")
    table = dlq("list").stdout
    assert all(id in table for id in (real, gone, poison, event_id))
    assert "no job: 'not jsonnot json" in table
    assert len(printed("list", "--limit", "2")) == 2


def test_a_message_is_shown_whole_with_its_events_log_and_without_the_payload(
    settings: Settings, event_id: str
) -> None:
    id = bury(settings, job(event_id))
    shown = printed("show", id)
    assert shown["message"]["message_id"] == id
    assert shown["message"]["body"] == json.loads(job(event_id))
    log = shown["event_log"]
    assert (log["id"], log["status"], log["state"]) == (event_id, "pending", "active")
    assert log["attempts"] == []
    assert "payload" not in log
    assert json.loads(dlq("show", id).stdout)["event_log"] == log
    poison = bury(settings, "[" * 2000)
    assert printed("show", poison)["message"]["body"] == "[" * 2000


def test_another_queues_messages_are_shown_as_they_are_and_sent_back_there(
    settings: Settings,
) -> None:
    sqs = boto3.client("sqs")
    sent = sqs.send_message(QueueUrl=settings.imports_dlq_url, MessageBody="an import")
    id = sent["MessageId"]
    assert printed("list") == []
    [row] = printed("list", "--queue", "imports")
    assert (row["message_id"], row["event_id"], row["problem"]) == (id, None, None)
    assert dlq("list", "--queue", "imports").stdout.rstrip().endswith("an import")
    assert printed("show", id, "--queue", "imports")["message"]["body"] == "an import"
    assert printed("redrive", "--all", "--queue", "imports")["redriven"] == [id]
    [message] = sqs.receive_message(QueueUrl=settings.imports_queue_url)["Messages"]
    assert message["Body"] == "an import"
    assert dlq("list", "--queue", "nobody").exit_code == 2


def test_without_the_database_messages_are_shown_all_the_same(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGERFISH_DATABASE_URL", NOWHERE)
    bury(settings, job(UNKNOWN_EVENT))
    [row] = printed("list")
    assert row["problem"] == "not known: the database does not answer"


def test_an_unknown_message_is_an_error() -> None:
    for arguments in (["show", "nothing"], ["redrive", "nothing"]):
        done = dlq(*arguments)
        assert done.exit_code == 1
        assert "nothing" in done.stderr


def test_messages_go_back_by_id_or_all(settings: Settings) -> None:
    first, second, third = (bury(settings, f"poison {number}") for number in range(3))
    assert dlq("redrive").exit_code == 2
    assert dlq("redrive", first, "--all").exit_code == 2
    assert printed("redrive", first) == {"redriven": [first], "missing": []}
    assert sorted(printed("redrive", "--all")["redriven"]) == sorted([second, third])
    assert printed("list") == []
    attributes = boto3.client("sqs").get_queue_attributes(
        QueueUrl=settings.deliveries_queue_url, AttributeNames=["All"]
    )["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "3"


def test_purging_wants_to_be_confirmed(settings: Settings) -> None:
    bury(settings, "poison")
    refused = dlq("purge", answer="n\n")
    assert refused.exit_code == 1
    assert "Delete about 1 dead letters for good?" in refused.output
    assert len(printed("list")) == 1
    assert printed("purge", "--yes") == {"purged": 1}
    assert printed("list") == []


def test_a_queue_that_does_not_answer_is_an_error_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRIGGERFISH_DELIVERIES_DLQ_URL", "https://sqs.us-east-1.amazonaws.com/1/no")
    done = dlq("list")
    assert done.exit_code == 1
    assert done.stderr.startswith("The queue: ")
    assert "Traceback" not in done.output
