"""How much waits in each queue of the platform, and lies dead beside it, over SQS."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from triggerfish.domain.errors import TryLater
from triggerfish.domain.observation import QueueDepth

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

READERS = 6
"""Requests at once: of three queues and their dead letters."""


class QueueUrls(NamedTuple):
    queue: str
    dead_letters: str


class SqsQueueDepths:
    """The `QueueDepths` port over pairs of a queue and its dead-letter queue, by name."""

    def __init__(self, client: "SQSClient", queues: Mapping[str, QueueUrls]) -> None:
        self._client = client
        self._queues = queues
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="sqs-depths")

    async def read(self) -> dict[str, QueueDepth]:
        """Every queue's depth. Raises TryLater when one does not answer."""
        try:
            depths = await asyncio.gather(*map(self._depth, self._queues.values()))
        except (BotoCoreError, ClientError) as error:
            raise TryLater("The queue is not reachable.") from error
        return dict(zip(self._queues, depths, strict=True))

    async def _depth(self, urls: QueueUrls) -> QueueDepth:
        own, dead = await asyncio.gather(*map(self._attributes, urls))
        return QueueDepth(
            int(own["ApproximateNumberOfMessages"]),
            int(own["ApproximateNumberOfMessagesNotVisible"]),
            int(own["ApproximateNumberOfMessagesDelayed"]),
            # Those that an operator looks at just now included.
            int(dead["ApproximateNumberOfMessages"])
            + int(dead["ApproximateNumberOfMessagesNotVisible"]),
        )

    async def _attributes(self, url: str) -> dict[str, str]:
        reply = await asyncio.get_running_loop().run_in_executor(
            self._threads,
            lambda: self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]),
        )
        return {str(name): value for name, value in reply["Attributes"].items()}
