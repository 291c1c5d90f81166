"""The delivery queue over SQS: messages of ids, delayed until due; how many wait, and lie dead."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from triggerfish.adapters.aws_clients import SENDERS
from triggerfish.adapters.sqs_sender import SqsMessage, SqsSender
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import TryLater
from triggerfish.domain.message import DEDUP_ATTRIBUTE, message_body
from triggerfish.domain.observation import QueueDepth

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

SQS_MAX_DELAY_SECONDS = 900


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
        self._sender = SqsSender(client, queue_url, self._threads)

    async def send(self, refs: Sequence[EventRef], *, now: datetime) -> list[EventRef]:
        """Send one message an event, visible at its time or up to a second before.

        Concurrent calls share batches. The events whose message the queue took; a queue that is
        away takes none and raises nothing, since the sweep finds what was not sent.
        """
        taken = await self._sender.send([_message(ref, now) for ref in refs])
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


def _message(ref: EventRef, now: datetime) -> SqsMessage:
    return SqsMessage(message_body(ref), _delay(ref, now), ((DEDUP_ATTRIBUTE, ref.dedup_id),))
