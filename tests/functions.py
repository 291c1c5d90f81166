"""Invokes functions as their hosts do: messages from the queue into `deliver`, inputs into `tick`."""

from typing import Any, cast

import boto3
from moto.sqs.models import sqs_backends

from functions.deliver.handler import handler as deliver_handler
from functions.process_log_file.handler import handler as process_log_file_handler
from functions.retention.handler import handler as retention_handler
from functions.send_notification.handler import handler as send_notification_handler
from functions.sweep_jobs.handler import handler as sweep_jobs_handler
from functions.sweep_notifications.handler import handler as sweep_notifications_handler
from functions.tick.handler import handler as tick_handler


async def tick(horizon_seconds: float = 2) -> dict[str, int]:
    return await tick_handler.native({"horizon_seconds": horizon_seconds}, None)


async def retention() -> dict[str, int]:
    return await retention_handler.native({}, None)


async def process(records: list[dict[str, Any]]) -> list[str]:
    """One invocation of `process_log_file`; the message ids it reports as failed."""
    answer = await process_log_file_handler.native({"Records": records}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


async def sweep_jobs() -> dict[str, int]:
    return await sweep_jobs_handler.native({}, None)


async def work_imports(queue_url: str) -> None:
    """What a worker does with imports, one message at a time, until none is left."""
    while records := messages(queue_url):
        for record in records:
            assert await process([record]) == []


async def notify(records: list[dict[str, Any]]) -> list[str]:
    """One invocation of `send_notification`; the message ids it reports as failed."""
    answer = await send_notification_handler.native({"Records": records}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


async def sweep_notifications() -> dict[str, int]:
    return await sweep_notifications_handler.native({}, None)


def messages(queue_url: str) -> list[dict[str, Any]]:
    """Everything on the queue, delayed messages too, as SQS records; it is empty afterwards."""
    sqs = boto3.client("sqs")
    _make_visible(queue_url)
    records: list[dict[str, Any]] = []
    while batch := sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        for message in batch:
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            records.append(_record(cast(dict[str, Any], message)))
    return records


def forget_messages(queue_url: str) -> None:
    """As PurgeQueue, which moto allows once a minute."""
    _backend(queue_url)._messages.clear()


async def deliver(records: list[dict[str, Any]]) -> list[str]:
    """One invocation; the message ids it reports as failed."""
    answer = await deliver_handler.native({"Records": records}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


async def work(queue_url: str) -> None:
    """What a worker does: deliver all that is on the queue, until it stays empty."""
    while records := messages(queue_url):
        for start in range(0, len(records), 10):
            assert await deliver(records[start : start + 10]) == []


def _make_visible(queue_url: str) -> None:
    """Let moto's delayed messages become visible at once: tests have a clock of their own."""
    for message in _backend(queue_url)._messages:
        message.delayed_until = 0


def _backend(queue_url: str) -> Any:
    return sqs_backends["123456789012"]["us-east-1"].get_queue(queue_url.rsplit("/", 1)[1])


def _record(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "eventSource": "aws:sqs",
    }
