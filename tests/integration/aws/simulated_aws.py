"""AWS on a virtual clock: time that jumps, an SQS queue, a sender that only notes what it sends.

One thing happens at a time, in the order of virtual time, and takes none of it.
"""

import asyncio
import heapq
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from itertools import count
from random import Random
from typing import Any, cast
from uuid import UUID, uuid4

from functions.deliver.handler import handler as deliver
from triggerfish.adapters.queue_sqs import SqsQueue
from triggerfish.domain.exchange import OutboundRequest, Reply
from triggerfish.settings import Settings
from triggerfish.wiring import Wiring

Happening = Callable[[], Awaitable[object]]

LATENCY_SECONDS = 0.2  # from a message's visibility to the start of the function, at most
REPEATED = 0.05  # of the messages: a standard queue delivers at least once
REPEATED_AFTER_SECONDS = 60


class SimulatedTime:
    """The `Clock` port. What sleeps is woken in its turn by `run_until`."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._todo: list[tuple[datetime, int, Happening | asyncio.Future[None]]] = []
        self._order = count()
        self._asleep = asyncio.Event()
        self._running: set[asyncio.Task[object]] = set()

    def now(self) -> datetime:
        return self._now

    async def sleep_until(self, instant: datetime) -> None:
        if instant <= self._now:
            return
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._push(instant, awake)
        self._asleep.set()
        await awake

    def at(self, instant: datetime, happening: Happening) -> None:
        """Let something begin at an instant. It may sleep once at a time, alone."""
        self._push(instant, happening)

    async def run_until(self, end: datetime) -> None:
        while self._todo and self._todo[0][0] <= end:
            instant, _, next_up = heapq.heappop(self._todo)
            self._now = max(self._now, instant)
            self._asleep.clear()
            if isinstance(next_up, asyncio.Future):
                next_up.set_result(None)
            else:
                self._running.add(asyncio.ensure_future(_as_coroutine(next_up)))
            await self._until_quiet()
        self._now = end

    async def _until_quiet(self) -> None:
        """What began or woke last either ends or sleeps; all others sleep already."""
        asleep = asyncio.ensure_future(self._asleep.wait())
        ended, _ = await asyncio.wait({asleep, *self._running}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        for task in ended & self._running:
            self._running.remove(task)
            task.result()

    def _push(self, instant: datetime, item: Happening | asyncio.Future[None]) -> None:
        heapq.heappush(self._todo, (instant, next(self._order), item))


async def _as_coroutine(happening: Happening) -> object:
    return await happening()


class SimulatedSqs:
    """The part of the SQS client that sends. Each message becomes an invocation of `deliver`.

    DelaySeconds are whole; a message starts its function a little after it is visible, and some
    come twice.
    """

    def __init__(self, time: SimulatedTime, random: Random) -> None:
        self._time = time
        self._random = random
        self.sent = 0
        self.longest_delay = 0

    async def call(
        self, operation: str, parameters: Mapping[str, Any], *, wait_seconds: float = 0.0
    ) -> dict[str, Any]:
        if operation == "GetQueueAttributes":
            return {"Attributes": {"ApproximateNumberOfMessages": "0"}}
        assert operation == "SendMessageBatch"
        for entry in parameters["Entries"]:
            assert 0 <= entry["DelaySeconds"] <= 900
            assert isinstance(entry["DelaySeconds"], int)
            self.sent += 1
            self.longest_delay = max(self.longest_delay, entry["DelaySeconds"])
            visible = self._time.now() + timedelta(seconds=entry["DelaySeconds"])
            self._arrive(visible, entry["MessageBody"])
            if self._random.random() < REPEATED:
                again = timedelta(seconds=self._random.uniform(0, REPEATED_AFTER_SECONDS))
                self._arrive(visible + again, entry["MessageBody"])
        return {"Successful": [{"Id": one["Id"]} for one in parameters["Entries"]]}

    def _arrive(self, visible: datetime, body: str) -> None:
        """Each event of a message starts the function alone: simulated time knows one sleeper."""
        message = json.loads(body)
        latency = timedelta(seconds=self._random.uniform(0, LATENCY_SECONDS))
        for event in message["events"]:
            alone = json.dumps({**message, "events": [event]})
            record = {"messageId": str(uuid4()), "body": alone}
            self._time.at(visible + latency, lambda record=record: _deliver(record))  # type: ignore[misc]


async def _deliver(record: dict[str, Any]) -> None:
    assert await deliver.native({"Records": [record]}, None) == {"batchItemFailures": []}


class NotingSender:
    """The `Sender` port: every endpoint answers 200. Notes (event id, when, body)."""

    def __init__(self, time: SimulatedTime) -> None:
        self._time = time
        self.sent: list[tuple[UUID, datetime, Any]] = []

    async def post(self, request: OutboundRequest) -> Reply:
        id = UUID(request.headers["webhook-id"])
        self.sent.append((id, self._time.now(), json.loads(request.body)))
        return Reply(200, None, "ok")


class OnAws(Wiring):
    """The platform's parts in the simulated world; database, SQL and use cases are the real ones."""

    def __init__(self, settings: Settings, time: SimulatedTime, random: Random) -> None:
        super().__init__(settings, clock=time)
        self.simulated = SimulatedSqs(time, random)
        self.noted = NotingSender(time)

    @cached_property
    def queue(self) -> SqsQueue:
        return SqsQueue(cast(Any, self.simulated), "deliveries")

    @cached_property
    def sender(self) -> Any:
        return self.noted

    async def close(self) -> None:
        await self.database.close()
