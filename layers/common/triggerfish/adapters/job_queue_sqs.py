"""The queue of import jobs over SQS: ids only, visible at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import UUID

from triggerfish.adapters.aws_clients import SENDERS
from triggerfish.adapters.sqs_sender import SqsMessage, SqsSender
from triggerfish.domain.job import message_body

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsJobQueue:
    """The `JobQueue` port on a standard queue."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        threads = ThreadPoolExecutor(SENDERS, thread_name_prefix="sqs-imports")
        self._sender = SqsSender(client, queue_url, threads)

    async def send(self, ids: Sequence[UUID]) -> list[UUID]:
        """Send one message a job; those whose message the queue took."""
        taken = await self._sender.send([SqsMessage(message_body(id)) for id in ids])
        return [id for id, was_taken in zip(ids, taken, strict=True) if was_taken]
