"""Serves one event source mapping: receives batches, invokes its function, deletes what is done."""

import asyncio
from collections.abc import Coroutine, Sequence

from local.runtime.batches import MalformedFailuresError, Message, finished
from local.runtime.events import sqs_event
from local.runtime.heartbeat import Beat, no_beat
from local.runtime.invoker import Invoker
from local.runtime.log import get_logger
from local.runtime.model import SqsMapping
from local.runtime.sqs import LARGEST_BATCH, QueueAwayError, SqsQueue
from local.runtime.stopping import wait

_RECEIVERS = 4
_DEFAULT_CONCURRENCY = 50
_STOP_SECONDS = 19
_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 0.2, 5.0
_log = get_logger("poller")


class MappingPoller:
    """Idle, one long poll is parked; each full receive adds a receiver, up to a few.

    A slot (of MaximumConcurrency) is taken before receiving, so what is received starts at once.
    The heart beats with every answer of the queue and every batch that is done.
    """

    def __init__(
        self,
        mapping: SqsMapping,
        function: str,
        queue: SqsQueue,
        invoker: Invoker,
        *,
        wait_seconds: int,
        beat: Beat = no_beat,
    ) -> None:
        self._mapping, self._function = mapping, function
        self._queue, self._invoker = queue, invoker
        self._beat = beat
        self._wait_seconds = wait_seconds
        self._slots = asyncio.Semaphore(mapping.max_concurrency or _DEFAULT_CONCURRENCY)
        self._stop = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._receivers: set[asyncio.Task[None]] = set()
        self._batches: set[asyncio.Task[None]] = set()
        self._away = False

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop`; then finish the running batches.

        They are abandoned after 19 s in all.
        """
        self._stop = stop
        async with self._tasks:
            self._add_receiver(self._wait_seconds)
            await stop.wait()
            await self._drain()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                while pending := self._receivers | self._batches:
                    await asyncio.wait(pending)
        except TimeoutError:
            _log.error("batches_abandoned", queue=self._queue.name, batches=len(self._batches))
            for task in self._receivers | self._batches:
                task.cancel()

    def _add_receiver(self, wait_seconds: int) -> None:
        self._start(self._receiver(wait_seconds), self._receivers)

    def _start(self, work: Coroutine[None, None, None], among: set[asyncio.Task[None]]) -> None:
        task = self._tasks.create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)

    async def _receiver(self, wait_seconds: int) -> None:
        """Receive until stopped; a helper (no waiting) ends with its first short receive."""
        failures = 0
        while not self._stop.is_set():
            await self._slots.acquire()
            try:
                received = await self._receive_and_start(wait_seconds)
            except QueueAwayError as error:
                self._slots.release()
                if not wait_seconds:
                    return
                failures += 1
                await self._back_off(failures, error)
                continue
            failures = 0
            full = received >= self._mapping.batch_size
            if full and len(self._receivers) < _RECEIVERS:
                self._add_receiver(0)
            if not (full or wait_seconds):
                return

    async def _receive_and_start(self, wait_seconds: int) -> int:
        """Receive a batch into the slot already taken.

        The slot is given back here, or by the batch when it is done.
        """
        messages = [] if self._stop.is_set() else await self._gather(wait_seconds)
        self._beat()
        if self._away and not self._stop.is_set():
            self._away = False
            _log.info("queue_back", queue=self._queue.name)
        if not messages:
            self._slots.release()
        elif self._stop.is_set():
            await self._queue.release(messages)
            self._slots.release()
        else:
            self._start(self._process(messages), self._batches)
        return len(messages)

    async def _gather(self, wait_seconds: int) -> Sequence[Message]:
        """One receive; more of them while a batching window is open and the batch is not full."""
        size, window = self._mapping.batch_size, self._mapping.window_seconds
        messages = await self._queue.receive(min(size, LARGEST_BATCH), wait_seconds)
        if not (window and messages):
            return messages
        loop = asyncio.get_running_loop()
        closes = loop.time() + window
        while len(messages) < size and (left := closes - loop.time()) > 0:
            if self._stop.is_set():
                break
            limit = min(size - len(messages), LARGEST_BATCH)
            try:
                messages += await self._queue.receive(limit, min(int(left) or 1, wait_seconds))
            except QueueAwayError:
                break  # what is here already still counts
        return messages

    async def _process(self, messages: Sequence[Message]) -> None:
        try:
            result = await self._invoker.invoke(
                self._function, sqs_event(self._mapping.queue, messages)
            )
            if result.error is not None:
                _log.error("function_failed", function=self._function, **result.error.envelope())
            try:
                done = finished(messages, result, report_failures=self._mapping.report_failures)
            except MalformedFailuresError as error:
                _log.error("batch_failed", function=self._function, reason=str(error))
                return
            if done:
                await self._queue.delete(done)
                self._beat()
        finally:
            self._slots.release()

    async def _back_off(self, failures: int, error: QueueAwayError) -> None:
        """Wait longer with each failure in a row; say so once per outage."""
        if not self._away:
            self._away = True
            _log.error("queue_away", queue=self._queue.name, reason=str(error))
        pause = _FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, 10)
        await wait(self._stop, min(pause, _LONGEST_BACKOFF_SECONDS))
