"""How much waits in each queue of the platform, and lies dead beside it, over SQS."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from async_sqs import SqsClient, SqsError
from triggerfish.domain.errors import TryLater
from triggerfish.domain.observation import QueueDepth


class QueueUrls(NamedTuple):
    queue: str
    dead_letters: str


class SqsQueueDepths:
    """The `QueueDepths` port over pairs of a queue and its dead-letter queue, by name."""

    def __init__(self, client: SqsClient, queues: Mapping[str, QueueUrls]) -> None:
        self._client = client
        self._queues = queues

    async def read(self) -> dict[str, QueueDepth]:
        """Every queue's depth. Raises TryLater when one does not answer."""
        try:
            depths = await asyncio.gather(*map(self._depth, self._queues.values()))
        except SqsError as error:
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
        wanted = {"QueueUrl": url, "AttributeNames": ["All"]}
        reply = await self._client.call("GetQueueAttributes", wanted)
        return dict(reply["Attributes"])
