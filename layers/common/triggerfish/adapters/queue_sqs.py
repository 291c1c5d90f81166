"""The delivery queue over SQS: ids only, in batches of ten, from threads because boto3 is sync."""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from triggerfish.adapters.batcher import Batcher
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import TryLater
from triggerfish.domain.message import DEDUP_ATTRIBUTE, message_body
from triggerfish.domain.observation import QueueDepth

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

SQS_BATCH = 10
SQS_MAX_DELAY_SECONDS = 900
SENDERS = 4

# boto3 makes clients out of one shared session, which is not safe from several threads at once.
_making_a_client = Lock()

log = structlog.get_logger()


def sqs_client(endpoint_url: str | None) -> "SQSClient":
    """A client for workers: few retries, short timeouts, no parameter checks (half its CPU)."""
    config = Config(
        parameter_validation=False,
        connect_timeout=2,
        read_timeout=10,
        retries={"mode": "standard", "max_attempts": 2},
        max_pool_connections=2 * SENDERS,
    )
    with _making_a_client:
        return boto3.client("sqs", endpoint_url=endpoint_url, config=config)


class SqsQueue:
    """The `Queue` port on a standard queue and its dead-letter queue.

    Standard queues take no `MessageDeduplicationId` and FIFO queues no delay per message, so the
    deduplication id travels as a message attribute and Postgres enforces it.
    """

    def __init__(self, client: "SQSClient", queue_url: str, dead_letter_url: str) -> None:
        self._client = client
        self._queue_url = queue_url
        self._dead_letter_url = dead_letter_url
        self._threads = ThreadPoolExecutor(SENDERS, thread_name_prefix="sqs")
        self._send = Batcher(self._send_batch, max_size=SQS_BATCH, lanes=SENDERS)

    async def send(self, refs: Sequence[EventRef], *, now: datetime) -> list[EventRef]:
        """Send one message an event, visible at its time or up to a second before.

        Concurrent calls share batches. The events whose message the queue took; a queue that is
        away takes none and raises nothing, since the sweep finds what was not sent.
        """
        taken = await asyncio.gather(*(self._send((ref, _delay(ref, now))) for ref in refs))
        return [ref for ref, was_taken in zip(refs, taken, strict=True) if was_taken]

    async def depth(self) -> QueueDepth:
        """Raises TryLater when the queue is away."""
        attributes = await self._attributes(self._queue_url)
        return QueueDepth(
            int(attributes["ApproximateNumberOfMessages"]),
            int(attributes["ApproximateNumberOfMessagesNotVisible"]),
            int(attributes["ApproximateNumberOfMessagesDelayed"]),
        )

    async def dead_letters(self) -> int:
        """Messages in the dead-letter queue, those that an operator looks at just now included.

        Raises TryLater when the queue is away.
        """
        attributes = await self._attributes(self._dead_letter_url)
        hidden = attributes["ApproximateNumberOfMessagesNotVisible"]
        return int(attributes["ApproximateNumberOfMessages"]) + int(hidden)

    async def _send_batch(self, items: Sequence[tuple[EventRef, int]]) -> list[bool]:
        entries = [_entry(index, ref, delay) for index, (ref, delay) in enumerate(items)]
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

    async def _attributes(self, url: str) -> dict[str, str]:
        loop = asyncio.get_running_loop()
        try:
            reply = await loop.run_in_executor(
                self._threads,
                lambda: self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]),
            )
        except (BotoCoreError, ClientError) as error:
            raise TryLater("The queue is not reachable.") from error
        return {str(name): value for name, value in reply["Attributes"].items()}


def _delay(ref: EventRef, now: datetime) -> int:
    """Whole seconds, rounded down: the worker waits out the fraction."""
    return min(max(int((ref.due_at - now).total_seconds()), 0), SQS_MAX_DELAY_SECONDS)


def _entry(index: int, ref: EventRef, delay: int) -> "SendMessageBatchRequestEntryTypeDef":
    return {
        "Id": str(index),
        "MessageBody": json.dumps(message_body(ref), separators=(",", ":")),
        "DelaySeconds": delay,
        "MessageAttributes": {DEDUP_ATTRIBUTE: {"DataType": "String", "StringValue": ref.dedup_id}},
    }
