"""The delivery queue over SQS: messages of ids, delayed until due."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

from triggerfish.adapters.aws_clients import SENDERS
from triggerfish.adapters.sqs_sender import SqsMessage, SqsSender
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.message import DEDUP_ATTRIBUTE, message_body

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

SQS_MAX_DELAY_SECONDS = 900


class SqsQueue:
    """The `Queue` port on a standard queue.

    Standard queues take no `MessageDeduplicationId` and FIFO queues no delay per message, so the
    deduplication id travels as a message attribute and Postgres enforces it.
    """

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        threads = ThreadPoolExecutor(SENDERS, thread_name_prefix="sqs")
        self._sender = SqsSender(client, queue_url, threads)

    async def send(self, refs: Sequence[EventRef], *, now: datetime) -> list[EventRef]:
        """Send one message an event, visible at its time or up to a second before.

        Concurrent calls share batches. The events whose message the queue took; a queue that is
        away takes none and raises nothing, since the sweep finds what was not sent.
        """
        taken = await self._sender.send([_message(ref, now) for ref in refs])
        return [ref for ref, was_taken in zip(refs, taken, strict=True) if was_taken]


def _delay(ref: EventRef, now: datetime) -> int:
    """Whole seconds, rounded down: the worker waits out the fraction."""
    return min(max(int((ref.due_at - now).total_seconds()), 0), SQS_MAX_DELAY_SECONDS)


def _message(ref: EventRef, now: datetime) -> SqsMessage:
    return SqsMessage(message_body(ref), _delay(ref, now), ((DEDUP_ATTRIBUTE, ref.dedup_id),))
