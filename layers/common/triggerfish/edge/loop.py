"""One event loop per container: coroutines behind Lambda's synchronous handlers all run on it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to completion on this thread's loop, which lives as long as its connections do.

    It is the loop that Mangum uses, so an HTTP and a queue function of one thread share it.
    """
    try:
        loop = asyncio.get_event_loop()
    except RuntimeError:  # no loop in this thread yet
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    return loop.run_until_complete(coroutine)
