"""Group commit: concurrent single calls become one batched call, with no delay added when idle."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Collects items while earlier batches are under way and hands them to `run` together.

    `run` takes 1..max_size items and answers as many results in the same order; what it raises is
    raised to every caller of that batch. At most `lanes` batches run at once: with one lane a batch
    grows exactly as long as the one before it takes, which is group commit.
    """

    def __init__(
        self,
        run: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        max_size: int,
        lanes: int = 1,
    ) -> None:
        self._run = run
        self._max_size = max_size
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._open_lanes = lanes
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, item: T) -> R:
        return await self._add(item)

    async def many(self, items: Sequence[T]) -> list[R]:
        """Several items at once; raises the first error that one of their batches raised."""
        return list(await asyncio.gather(*map(self._add, items)))

    def _add(self, item: T) -> asyncio.Future[R]:
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._open_lanes:
            self._open_lanes -= 1
            task = asyncio.create_task(self._drain())
            self._tasks.add(task)  # the loop itself keeps only weak references
            task.add_done_callback(self._tasks.discard)
        return future

    async def _drain(self) -> None:
        # A task starts after the callers of this loop iteration have queued, so they go together.
        while self._waiting:
            batch = self._waiting[: self._max_size]
            del self._waiting[: self._max_size]
            try:
                results = await self._run([item for item, _ in batch])
            except Exception as error:  # handed to the callers, whose error it is
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    if not future.done():
                        future.set_result(result)
        # In the same step as the look that found nothing waiting: no item can slip in between.
        self._open_lanes += 1
