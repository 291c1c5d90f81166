"""The Lambda lane: `handler(event, context)` in threads that each own an event loop, for Mangum."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.runtime.loader import Handler

DEFAULT_THREADS = 8


class LambdaLane:
    """Runs as many handlers at once as it has threads; further calls wait.

    Threads start when first needed.
    """

    def __init__(self, threads: int = DEFAULT_THREADS) -> None:
        self._loops: list[asyncio.AbstractEventLoop] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(threads, "lambda", initializer=self._own_loop)

    async def run(self, handler: Handler, event: Any, context: Any) -> Any:
        """Call the handler and return its answer.

        When this is cancelled, the coroutine it is running is cancelled too.

        A handler that blocks without an event loop cannot be interrupted; its thread is busy until
        it returns.
        """
        call = _Call(handler, event, context)
        future = self._pool.submit(contextvars.copy_context().run, call)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            call.cancel()
            raise

    def close(self) -> None:
        """Wait for running handlers, then close the threads' loops."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for loop in self._loops:
            loop.close()
        self._loops.clear()

    def _own_loop(self) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        with self._lock:
            self._loops.append(loop)


class _Call:
    def __init__(self, handler: Handler, event: Any, context: Any) -> None:
        self._handler, self._event, self._context = handler, event, context
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> Any:
        self._loop = asyncio.get_event_loop()
        try:
            return self._handler(self._event, self._context)
        finally:
            self._loop = None

    def cancel(self) -> None:
        loop = self._loop
        if loop is not None and loop.is_running():
            loop.call_soon_threadsafe(_cancel_all, loop)


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
