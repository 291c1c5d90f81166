"""Polling one queue: concurrency, receivers, failures, outages, graceful stop; queue in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from local.runtime.batches import Message
from local.runtime.heartbeat import Beat, no_beat
from local.runtime.invoker import FunctionError, Invoker, Result
from local.runtime.mapping_poller import MappingPoller
from local.runtime.sqs import QueueAwayError, SqsQueue
from local.runtime.template import SqsMapping

Native = Callable[[list[str]], Coroutine[Any, Any, Any]]


class MemoryQueue(SqsQueue):
    """Hands out messages in order; a long poll parks until there are some, or patience ends."""

    def __init__(self, count: int = 0) -> None:
        self.name = "jobs"
        self.ready: list[Message] = []
        self.deleted: list[str] = []
        self.released: list[str] = []
        self.receiving = 0
        self.most_receiving = 0
        self.away = False
        self.crash: Exception | None = None
        self.patient = True
        self._arrived = asyncio.Condition()
        self.ready += [_message(number) for number in range(count)]

    async def send(self, count: int) -> None:
        async with self._arrived:
            self.ready += [_message(number) for number in range(count)]
            self._arrived.notify_all()

    async def end_long_polls(self) -> None:
        """As if the wait of every parked receive were over."""
        async with self._arrived:
            self.patient = False
            self._arrived.notify_all()

    async def receive(self, limit: int, wait_seconds: int) -> list[Message]:
        if self.crash:
            raise self.crash
        if self.away:
            raise QueueAwayError("connection refused")
        self.receiving += 1
        self.most_receiving = max(self.most_receiving, self.receiving)
        try:
            await asyncio.sleep(0.001)
            async with self._arrived:
                while wait_seconds and self.patient and not self.ready:
                    await self._arrived.wait()
                taken, self.ready = self.ready[:limit], self.ready[limit:]
                return taken
        finally:
            self.receiving -= 1

    async def delete(self, messages: Sequence[Message]) -> None:
        self.deleted += [message["MessageId"] for message in messages]

    async def release(self, messages: Sequence[Message]) -> None:
        self.released += [message["MessageId"] for message in messages]


def _message(number: int) -> Message:
    identifier = f"m-{number}"
    return {"MessageId": identifier, "ReceiptHandle": "h", "Body": "{}", "MD5OfBody": ""}


class Function(Invoker):
    """Runs `native` with the message ids and counts how many batches run at once."""

    def __init__(self, native: Native) -> None:
        super().__init__({})
        self._native = native
        self.running = 0
        self.most_running = 0
        self.sizes: list[int] = []

    async def invoke(self, name: str, event: Any, request_id: str = "") -> Result:
        ids = [record["messageId"] for record in event["Records"]]
        self.sizes.append(len(ids))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            return Result("r", 0.0, payload=await self._native(ids))
        except ValueError as error:
            return Result("r", 0.0, error=FunctionError(str(error), "ValueError", "r"))
        finally:
            self.running -= 1


async def succeed(ids: list[str]) -> None:
    await asyncio.sleep(0.001)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def polling(
    queue: MemoryQueue,
    function: Function,
    mapping: SqsMapping | None = None,
    beat: Beat = no_beat,
) -> AsyncIterator[asyncio.Event]:
    """A running poller; it is stopped, and must end, when the block ends."""
    mapping = mapping or SqsMapping("jobs", max_concurrency=4, report_failures=True)
    stop = asyncio.Event()
    poller = MappingPoller(mapping, "f", queue, function, wait_seconds=1, beat=beat)
    running = asyncio.create_task(poller.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await queue.end_long_polls()
        async with asyncio.timeout(5):
            await running


async def test_a_backlog_is_worked_off_and_deleted_within_the_concurrency() -> None:
    async def slowly(ids: list[str]) -> None:
        await asyncio.sleep(0.02)

    queue, function = MemoryQueue(200), Function(slowly)
    async with polling(queue, function):
        await until(lambda: len(queue.deleted) == 200)
    assert sorted(queue.deleted) == sorted(f"m-{n}" for n in range(200))
    assert function.most_running == 4


async def test_a_backlog_gets_several_receivers_and_an_idle_queue_only_one() -> None:
    queue, function = MemoryQueue(400), Function(succeed)
    mapping = SqsMapping("jobs", max_concurrency=50)
    async with polling(queue, function, mapping):
        await until(lambda: len(queue.deleted) == 400)
        assert 2 <= queue.most_receiving <= 4
        await until(lambda: queue.receiving == 1)
        await asyncio.sleep(0.05)
        assert queue.receiving == 1


async def test_nothing_is_received_while_every_slot_is_busy() -> None:
    queue = MemoryQueue(100)
    gate = asyncio.Event()

    async def blocked(ids: list[str]) -> None:
        await gate.wait()

    async with polling(queue, Function(blocked)):
        await until(lambda: len(queue.ready) == 60)
        await asyncio.sleep(0.02)
        assert len(queue.ready) == 60, "4 batches of 10 are out, no more"
        gate.set()


async def test_messages_named_as_failures_are_left_in_the_queue() -> None:
    async def one_fails(ids: list[str]) -> Any:
        return {"batchItemFailures": [{"itemIdentifier": ids[0]}]}

    queue, function = MemoryQueue(3), Function(one_fails)
    async with polling(queue, function):
        await until(lambda: bool(queue.deleted))
    assert queue.deleted == ["m-1", "m-2"]


async def test_an_error_or_a_malformed_list_fails_the_batch_and_polling_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls: list[int] = []

    async def by_call(ids: list[str]) -> Any:
        calls.append(len(ids))
        if len(calls) == 1:
            raise ValueError("no database")
        return {"batchItemFailures": [{"itemIdentifier": "stranger"}]} if len(calls) == 2 else None

    queue, function = MemoryQueue(2), Function(by_call)
    async with polling(queue, function):
        for expected in (1, 2, 3):
            await until(lambda expected=expected: len(calls) == expected)  # type: ignore[misc]
            await queue.send(2)
        await until(lambda: len(queue.deleted) == 4)
    assert len(calls) == 4
    log = capsys.readouterr().err
    assert "no database" in log
    assert "stranger" in log


async def test_stopping_finishes_running_batches_and_deletes_their_successes() -> None:
    queue = MemoryQueue(10)
    gate = asyncio.Event()

    async def gated(ids: list[str]) -> None:
        await gate.wait()

    function = Function(gated)
    async with polling(queue, function) as stop:
        await until(lambda: function.running == 1)
        stop.set()
        await asyncio.sleep(0.01)
        gate.set()
    assert len(queue.deleted) == 10


async def test_messages_that_arrive_while_stopping_are_released_unprocessed() -> None:
    queue, function = MemoryQueue(), Function(succeed)
    async with polling(queue, function) as stop:
        await until(lambda: queue.receiving == 1)
        stop.set()
        await queue.send(3)
        await until(lambda: bool(queue.released))
    assert queue.released == ["m-0", "m-1", "m-2"]
    assert function.sizes == []
    assert queue.deleted == []


async def test_an_outage_is_said_once_and_survived(capsys: pytest.CaptureFixture[str]) -> None:
    queue, function = MemoryQueue(5), Function(succeed)
    queue.away = True
    async with polling(queue, function):
        await asyncio.sleep(0.3)
        queue.away = False
        await until(lambda: len(queue.deleted) == 5)
    log = capsys.readouterr().err
    assert log.count("queue_away") == 1
    assert log.count("queue_back") == 1


async def test_the_heart_beats_only_while_the_queue_answers() -> None:
    queue, beats = MemoryQueue(), 0

    def beat() -> None:
        nonlocal beats
        assert not queue.away
        beats += 1

    queue.away = True
    async with polling(queue, Function(succeed), beat=beat):
        await asyncio.sleep(0.05)
        queue.away = False
        await queue.end_long_polls()
        await until(lambda: beats > 1)


async def test_an_unexpected_error_ends_the_poller_loudly() -> None:
    queue = MemoryQueue()
    queue.crash = RuntimeError("a bug")
    poller = MappingPoller(SqsMapping("jobs"), "f", queue, Function(succeed), wait_seconds=1)
    with pytest.raises(ExceptionGroup) as caught:
        await poller.run(asyncio.Event())
    assert caught.group_contains(RuntimeError, match="a bug")


async def test_a_batching_window_gathers_more_than_one_receive() -> None:
    queue, function = MemoryQueue(25), Function(succeed)
    mapping = SqsMapping("jobs", batch_size=25, window_seconds=5)
    async with polling(queue, function, mapping):
        await until(lambda: len(queue.deleted) == 25)
    assert function.sizes == [25]
