"""ReceiveMessage and its long polls: who waits, who is woken, and what a received message looks like.

A parked poll takes no message until it is awake and its client is still there, so a client that
hangs up never swallows one.
"""

import asyncio
from collections.abc import Callable, Iterable

from local.services.broker import message_attributes
from local.services.broker.message import Message
from local.services.broker.params import Params, integer, required_text, texts
from local.services.broker.protocol import sequence_number
from local.services.broker.queue import Queue
from local.services.broker.registry import Registry
from local.services.broker.settings import unknown_attribute

Clock = Callable[[], float]

_SYSTEM_ATTRIBUTES = {
    "All",
    "AWSTraceHeader",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
}
_SENDER = "AIDALOCALLOCALLOCAL00"
_SHORTEST_NAP_SECONDS = 0.001  # the event loop's timers may fire a hair before the clock says so


class Client:
    """The caller of one request; `gone` once it hung up."""

    def __init__(self, hangs_up: Callable[[], "asyncio.Future[object]"]) -> None:
        self._hangs_up = hangs_up
        self._watch: asyncio.Future[object] | None = None
        self.gone = False

    def watch(self, wake: Callable[[], None]) -> None:
        """Call `wake` when the client hangs up; costs nothing for polls that never park."""
        if self._watch is None:
            self._watch = self._hangs_up()
            self._watch.add_done_callback(lambda _: self._left(wake))

    def unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()

    def _left(self, wake: Callable[[], None]) -> None:
        self.gone = True
        wake()


class Lobby:
    """Parked polls of all queues, in order of arrival, and one timer for what becomes due next."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._parked: dict[Queue, dict[asyncio.Event, None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self.closed = False

    async def park(self, queue: Queue, woken: asyncio.Event, seconds: float) -> None:
        """Wait until `woken` is set, because `queue` may have a message or otherwise, or time is up."""
        woken.clear()
        self._parked.setdefault(queue, {})[woken] = None
        self._set_timer()
        try:
            async with asyncio.timeout(seconds):
                await woken.wait()
        except TimeoutError:
            pass
        finally:
            self._leave(queue, woken)

    def serve(self) -> None:
        """Wake as many polls as can be served. To be called after anything that changes a queue."""
        if not self._parked:
            return
        now = self._clock()
        for queue, parked in self._parked.items():
            for woken, _ in zip(parked, range(queue.available(now)), strict=False):
                woken.set()
        self._set_timer()

    def wake_all(self, queue: Queue | None = None) -> None:
        """Make the polls of one queue, or of all, look again."""
        for parked in [self._parked.get(queue, {})] if queue else self._parked.values():
            for woken in parked:
                woken.set()

    def close(self) -> None:
        """End every long poll now; later ones do not wait."""
        self.closed = True
        self.wake_all()

    def _leave(self, queue: Queue, woken: asyncio.Event) -> None:
        parked = self._parked[queue]
        del parked[woken]
        if not parked:
            del self._parked[queue]

    def _set_timer(self) -> None:
        dues = [due for queue in self._parked if (due := queue.next_due()) is not None]
        if self._timer is not None:
            if dues and self._timer_at <= min(dues):
                return  # it fires early enough, and then looks again
            self._timer.cancel()
            self._timer = None
        if dues:
            self._timer_at = min(dues)
            nap = max(self._timer_at - self._clock(), _SHORTEST_NAP_SECONDS)
            self._timer = asyncio.get_running_loop().call_later(nap, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self.serve()


async def receive_message(
    registry: Registry, lobby: Lobby, params: Params, client: Client, clock: Clock
) -> Params:
    """The ReceiveMessage operation; waits for up to WaitTimeSeconds while the queue has nothing."""
    url = required_text(params, "QueueUrl")
    queue = registry.at(url).queue
    limit = integer(params, "MaxNumberOfMessages", 1, 10)
    visibility = integer(params, "VisibilityTimeout", 0, 43_200)
    wait = integer(params, "WaitTimeSeconds", 0, 20)
    shape = _shape(params)
    deadline = clock() + (queue.settings.wait if wait is None else wait)
    woken = asyncio.Event()
    try:
        while True:
            now = clock()
            messages = registry.receive(queue, 1 if limit is None else limit, visibility, now)
            if messages or now >= deadline or lobby.closed:
                break
            client.watch(woken.set)
            await lobby.park(queue, woken, deadline - now)
            if client.gone:
                break
            queue = registry.at(url).queue  # it may have been deleted meanwhile
    finally:
        client.unwatch()
        lobby.serve()  # what this poll did not take, or moved to a dead-letter queue, is for others
    return {"Messages": [shape(queue, message) for message in messages]} if messages else {}


def _shape(params: Params) -> Callable[[Queue, Message], Params]:
    """How a message is to be shown: with the attributes that the receive asks for."""
    wanted = {*texts(params, "AttributeNames"), *texts(params, "MessageSystemAttributeNames")}
    for name in sorted(wanted - _SYSTEM_ATTRIBUTES):
        raise unknown_attribute(name)
    names = texts(params, "MessageAttributeNames")
    return lambda queue, message: _shown(queue, message, wanted, names)


def _shown(queue: Queue, message: Message, wanted: set[str], names: Iterable[str]) -> Params:
    shown: Params = {
        "MessageId": message.id,
        "ReceiptHandle": queue.receipt_handle(message),
        "MD5OfBody": message.body_md5,
        "Body": message.body,
    }
    if wanted:
        shown["Attributes"] = _system_attributes(message, wanted)
    if message.attributes and names:
        attributes = message_attributes.selected(message.attributes, names)
        if attributes:
            complete = attributes is message.attributes
            shown["MessageAttributes"] = attributes
            shown["MD5OfMessageAttributes"] = (
                message.attributes_md5 if complete else message_attributes.md5(attributes)
            )
    return shown


def _system_attributes(message: Message, wanted: set[str]) -> dict[str, str]:
    attributes = {
        "SenderId": _SENDER,
        "SentTimestamp": _milliseconds(message.sent_at),
        "ApproximateReceiveCount": str(message.receive_count),
        "ApproximateFirstReceiveTimestamp": _milliseconds(message.first_received_at),
        "AWSTraceHeader": message.trace_header,
        "DeadLetterQueueSourceArn": message.dead_letter_source,
        "MessageDeduplicationId": message.dedup_id,
        "MessageGroupId": message.group,
        "SequenceNumber": sequence_number(message.sequence) if message.sequence else None,
    }
    complete = "All" in wanted
    return {
        name: value
        for name, value in attributes.items()
        if value is not None and (complete or name in wanted)
    }


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
