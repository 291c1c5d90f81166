"""The events of queues and schedules, shaped as AWS shapes them, and samples of all kinds."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from local.runtime.http_events import sample_http_event
from local.runtime.model import Schedule
from local.runtime.names import ACCOUNT, REGION, queue_arn, rule_arn, schedule_arn
from local.runtime.timing import Every

SampleKind = Literal["sqs", "schedule", "http"]


def sqs_event(queue: str, messages: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A Lambda SQS event from ReceiveMessage's messages."""
    arn = queue_arn(queue)
    return {"Records": [_sqs_record(arn, message) for message in messages]}


def _sqs_record(arn: str, message: Mapping[str, Any]) -> dict[str, Any]:
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes") or {},
        "messageAttributes": {
            name: _sqs_attribute(value)
            for name, value in (message.get("MessageAttributes") or {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _sqs_attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    """StringValue → stringValue and so on; Lambda always sends the two (empty) list members too."""
    lowered = {key[0].lower() + key[1:]: item for key, item in value.items()}
    return {"stringListValues": [], "binaryListValues": [], **lowered}


def schedule_event(schedule: Schedule, *, event_id: str, at: datetime) -> Any:
    """The literal Input if there is one, else what EventBridge or its Scheduler (V2) sends."""
    if schedule.input is not None:
        return schedule.input
    rule = schedule.kind == "Schedule"
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.events" if rule else "aws.scheduler",
        "account": ACCOUNT,
        "time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [rule_arn(schedule.name) if rule else schedule_arn(schedule.name)],
        "detail": {} if rule else "{}",  # Scheduler sends a string here
    }


def sample(kind: SampleKind) -> dict[str, Any]:
    """An example event to edit and feed to `triggerfish invoke`.

    Raises ValueError for an unknown kind.
    """
    now = datetime.now(UTC)
    samples = {"sqs": _sample_sqs, "schedule": _sample_schedule, "http": sample_http_event}
    if kind not in samples:
        raise ValueError(f"unknown kind of event {kind!r}: choose sqs, schedule or http")
    return samples[kind](now)


def _sample_sqs(now: datetime) -> dict[str, Any]:
    body = json.dumps({"hello": "world"})
    milliseconds = str(int(now.timestamp() * 1000))
    message = {
        "MessageId": str(uuid.uuid4()),
        "ReceiptHandle": "a-receipt-handle",
        "Body": body,
        "MD5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "Attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": milliseconds,
            "SenderId": ACCOUNT,
            "ApproximateFirstReceiveTimestamp": milliseconds,
        },
        "MessageAttributes": {"kind": {"DataType": "String", "StringValue": "example"}},
    }
    return sqs_event("example-queue", [message])


def _sample_schedule(now: datetime) -> dict[str, Any]:
    schedule = Schedule("example", "Schedule", "rate(1 minute)", Every(60))
    event: dict[str, Any] = schedule_event(schedule, event_id=str(uuid.uuid4()), at=now)
    return event
