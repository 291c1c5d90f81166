"""Messages into one SQS queue, in batches of ten, from threads because boto3 is sync."""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from triggerfish.adapters.aws_clients import SENDERS
from triggerfish.adapters.batcher import Batcher

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

SQS_BATCH = 10

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SqsMessage:
    """One message: a body that becomes JSON, its delay, and attributes of type String."""

    body: dict[str, Any]
    delay_seconds: int = 0
    attributes: tuple[tuple[str, str], ...] = ()


class SqsSender:
    """Sends one message a call; concurrent calls share batches."""

    def __init__(self, client: "SQSClient", queue_url: str, threads: ThreadPoolExecutor) -> None:
        self._client = client
        self._queue_url = queue_url
        self._threads = threads
        self._send = Batcher(self._send_batch, max_size=SQS_BATCH, lanes=SENDERS)

    async def send(self, messages: Sequence[SqsMessage]) -> list[bool]:
        """For each message whether the queue took it.

        A queue that is away takes none and raises nothing, since a sweep finds what was not sent.
        """
        return list(await asyncio.gather(*(self._send(message) for message in messages)))

    async def _send_batch(self, messages: Sequence[SqsMessage]) -> list[bool]:
        entries = [_entry(index, message) for index, message in enumerate(messages)]
        loop = asyncio.get_running_loop()
        try:
            reply = await loop.run_in_executor(
                self._threads,
                lambda: self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries),
            )
        except (BotoCoreError, ClientError) as error:
            log.warning("messages_not_sent", count=len(entries), error=str(error))
            return [False] * len(entries)
        sent = {entry["Id"] for entry in reply.get("Successful", [])}
        return [entry["Id"] in sent for entry in entries]


def _entry(index: int, message: SqsMessage) -> "SendMessageBatchRequestEntryTypeDef":
    return {
        "Id": str(index),
        "MessageBody": json.dumps(message.body, separators=(",", ":")),
        "DelaySeconds": message.delay_seconds,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes
        },
    }
