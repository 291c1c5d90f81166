"""Messages into one SQS queue, in batches of ten."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from async_sqs import SqsClient, SqsError
from triggerfish.adapters.batcher import Batcher

SQS_BATCH = 10
LANES = 4

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SqsMessage:
    """One message: a body that becomes JSON, and its delay."""

    body: dict[str, Any]
    delay_seconds: int = 0


class SqsSender:
    """Sends messages; concurrent calls share batches."""

    def __init__(self, client: SqsClient, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url
        self._send = Batcher(self._send_batch, max_size=SQS_BATCH, lanes=LANES)

    async def send(self, messages: Sequence[SqsMessage]) -> list[bool]:
        """For each message whether the queue took it.

        A queue that is away takes none and raises nothing, since a sweep finds what was not sent.
        """
        return await self._send.many(messages)

    async def _send_batch(self, messages: Sequence[SqsMessage]) -> list[bool]:
        entries = [
            {
                "Id": str(index),
                "MessageBody": orjson.dumps(message.body).decode(),
                "DelaySeconds": message.delay_seconds,
            }
            for index, message in enumerate(messages)
        ]
        request = {"QueueUrl": self._queue_url, "Entries": entries}
        try:
            reply = await self._client.call("SendMessageBatch", request)
        except SqsError as error:
            log.warning("messages_not_sent", count=len(entries), error=str(error))
            return [False] * len(entries)
        sent = {entry["Id"] for entry in reply.get("Successful", [])}
        return [entry["Id"] in sent for entry in entries]
