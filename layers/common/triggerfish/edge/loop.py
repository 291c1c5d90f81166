"""One event loop per container: coroutines behind Lambda's synchronous handlers all run on it."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_loops = threading.local()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to completion on this thread's loop, which lives as long as its connections do."""
    loop: asyncio.AbstractEventLoop | None = getattr(_loops, "loop", None)
    if loop is None or loop.is_closed():
        loop = _loops.loop = asyncio.new_event_loop()
    return loop.run_until_complete(coroutine)
