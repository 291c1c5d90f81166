"""The delivery queue over SQS: a message names events that become due together."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import structlog

from async_sqs import SqsClient, SqsError
from triggerfish.adapters.batcher import Batcher
from triggerfish.adapters.sqs_sender import SqsMessage, SqsSender
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.message import MAX_EVENTS, message_body

SQS_MAX_DELAY_SECONDS = 900

log = structlog.get_logger()


class SqsQueue:
    """The `Queue` port on a standard queue."""

    def __init__(self, client: SqsClient, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url
        self._sender = SqsSender(client, queue_url)
        self._send: Batcher[tuple[EventRef, int], bool] = Batcher(
            self._send_batch, max_size=10 * MAX_EVENTS, lanes=2
        )

    async def send(self, refs: Sequence[EventRef], *, now: datetime) -> list[EventRef]:
        """Send messages, visible when their events are due or up to a second before.

        Concurrent calls share messages. Returns the events whose message the queue took; a queue
        that is away takes none and raises nothing, since the sweep finds what was not sent.
        """
        taken = await self._send.many([(ref, _delay(ref, now)) for ref in refs])
        return [ref for ref, was_taken in zip(refs, taken, strict=True) if was_taken]

    async def waiting(self) -> int:
        """About how many messages wait to be received; 0 if the queue does not say."""
        name = "ApproximateNumberOfMessages"
        wanted = {"QueueUrl": self._queue_url, "AttributeNames": [name]}
        try:
            answer = await self._client.call("GetQueueAttributes", wanted)
        except SqsError as error:
            log.warning("queue_depth_unknown", error=str(error))
            return 0
        return int(answer["Attributes"][name])

    async def _send_batch(self, items: Sequence[tuple[EventRef, int]]) -> list[bool]:
        groups = list(_messages(items))
        sent = await self._sender.send(
            [
                SqsMessage(message_body([items[n][0] for n in group]), delay)
                for delay, group in groups
            ]
        )
        taken = [False] * len(items)
        for (_, group), was_taken in zip(groups, sent, strict=True):
            for n in group:
                taken[n] = was_taken
        return taken


def _messages(items: Sequence[tuple[EventRef, int]]) -> Iterator[tuple[int, list[int]]]:
    """Delays, and the places of the events that one message with that delay is about."""
    by_delay: dict[int, list[int]] = {}
    for n, (_, delay) in enumerate(items):
        by_delay.setdefault(delay, []).append(n)
    for delay, places in by_delay.items():
        for start in range(0, len(places), MAX_EVENTS):
            yield delay, places[start : start + MAX_EVENTS]


def _delay(ref: EventRef, now: datetime) -> int:
    """Whole seconds, rounded down: the worker waits out the fraction."""
    return min(max(int((ref.due_at - now).total_seconds()), 0), SQS_MAX_DELAY_SECONDS)
