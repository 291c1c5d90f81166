"""Messages that nobody can work on end in the dead-letter queue; what is behind them is delivered."""

import json
import subprocess
import time
from typing import Any

import pytest

from tests.e2e.conftest import Record
from tests.e2e.platform import Platform
from tests.e2e.receiver import Endpoint
from tests.e2e.reliability import Row
from tests.e2e.waiting import until

pytestmark = pytest.mark.queue

FAULT = "poison messages among jobs"

EVENT: dict[str, Any] = {
    "id": "5b1b4c3e-7a6f-4c6e-9d0a-2f3f3c7a9b11",
    "due_at_us": 0,
    "endpoint_key": "e",
}


def about(**changes: Any) -> str:
    """A message about one event."""
    return json.dumps({"v": 2, "events": [EVENT | changes]})


POISON = {
    "not JSON": "no json",
    "nothing in it": "{}",
    "no event": json.dumps({"v": 2, "events": []}),
    "an id that is none": about(id="no id"),
    "an id of the wrong type": about(id=42),
    "a time of the wrong type": about(due_at_us=["now"]),
    "a list": "[1, 2, 3]",
    "a version to come": json.dumps({"v": 3, "events": [EVENT]}),
    "deep": "[" * 2000,
    "huge": about(id="x" * 250_000),
    "an event that never was": about(),
    "one whose id seems to be of 2039": about(id="02000000-0000-7000-8000-000000000000"),
}
GOOD = 20


@pytest.mark.fault(FAULT)
def test_poison_ends_in_the_dead_letter_queue_while_others_are_delivered(
    hurried: Platform, endpoint: Endpoint, record: Record
) -> None:
    trigger = hurried.create(type="api", name="good", schema={}, endpoint={"url": endpoint.url()})
    withdraw_an_event(hurried)
    poison = iter(POISON.values())
    for number in range(GOOD):
        if body := next(poison, None):
            hurried.sqs.send_message(QueueUrl=hurried.queue_url(), MessageBody=body)
        hurried.request("POST", trigger["webhook_url"], {"number": number})
    sent = time.time()
    until(lambda: len(endpoint.event_ids()) == GOOD, 30, what="the good ones", every=0.01)
    assert dead_letters(hurried) == 0, "good events waited for the poison to be gone"

    count = len(POISON)
    until(lambda: dead_letters(hurried) == count, 60, what="the poison in the DLQ", every=0.2)
    assert (
        f'triggerfish_dead_letters{{queue="deliveries"}} {count}.0'
        in hurried.request("GET", "/metrics").text
    )
    queue = hurried.request("GET", "/health").json()["components"]["queue"]
    assert queue["status"] == "up"
    assert f"{count} dead letters" in queue["reason"]
    an_operator_looks_sends_one_back_and_deletes_the_rest(hurried)
    delivered = endpoint.event_ids()
    row = Row(
        FAULT,
        injected=len(POISON),
        at_risk=GOOD,
        lost=GOOD - len(delivered),
        duplicates=0,  # a webhook's event has no occurrence that could be logged twice
        repeats=delivered.total() - GOOD,
        recovery_seconds=max(max(one.arrived_at for one in endpoint.deliveries()) - sent, 0),
    )
    assert (row.lost, row.repeats) == (0, 0)
    record(row)


def withdraw_an_event(hurried: Platform) -> None:
    """Its message, sent ahead, names an event that is gone: no poison, as the counts show."""
    nobody = {"url": "http://127.0.0.1:2/nobody"}  # who would hear of it if the deletion were late
    trigger = hurried.create(
        type="scheduled", name="soon", schedule={"in": "2s"}, payload={}, endpoint=nobody
    )
    hurried.request("DELETE", f"/api/v1/triggers/{trigger['id']}")


def an_operator_looks_sends_one_back_and_deletes_the_rest(hurried: Platform) -> None:
    rows = dlq(hurried, "list")
    assert len(rows) == len(POISON)
    assert all(row["problem"] for row in rows)
    assert {row["bytes"] for row in rows} == {len(body) for body in POISON.values()}
    first = rows[0]["message_id"]
    shown = dlq(hurried, "show", first)["message"]
    assert (shown["message_id"], shown["attributes"]["SentTimestamp"].isdigit()) == (first, True)
    assert dlq(hurried, "redrive", first) == {"redriven": [first], "missing": []}
    until(
        lambda: dead_letters(hurried) == len(POISON),
        60,
        what="it to be given up again",
        every=0.2,
    )
    assert dlq(hurried, "purge", "--yes") == {"purged": len(POISON)}
    assert dlq(hurried, "list") == []


def dlq(hurried: Platform, *arguments: str) -> Any:
    """What `triggerfish dlq ... --json` prints."""
    done = subprocess.run(
        hurried.command("dlq", *arguments, "--json"),
        env=hurried.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def dead_letters(hurried: Platform) -> int:
    """How many messages the dead-letter queue holds, those handed out included."""
    answer = hurried.sqs.get_queue_attributes(
        QueueUrl=hurried.queue_url("-dlq"), AttributeNames=["All"]
    )
    found = answer["Attributes"]
    waiting = found["ApproximateNumberOfMessages"]
    return int(waiting) + int(found["ApproximateNumberOfMessagesNotVisible"])
