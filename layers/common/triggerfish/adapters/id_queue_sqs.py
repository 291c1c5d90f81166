"""A queue of ids over SQS, visible at once: of import jobs, of the catalogue's notifications."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from async_sqs import SqsClient
from triggerfish.adapters.sqs_sender import SqsMessage, SqsSender


class SqsIdQueue:
    """The `IdQueue` port on a standard queue; `body` makes a message of an id."""

    def __init__(
        self, client: SqsClient, queue_url: str, body: Callable[[UUID], dict[str, Any]]
    ) -> None:
        self._sender = SqsSender(client, queue_url)
        self._body = body

    async def send(self, ids: Sequence[UUID]) -> list[UUID]:
        """Send one message an id; those whose message the queue took."""
        taken = await self._sender.send([SqsMessage(self._body(id)) for id in ids])
        return [id for id, was_taken in zip(ids, taken, strict=True) if was_taken]
