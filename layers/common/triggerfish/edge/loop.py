"""One event loop per container: coroutines behind Lambda's synchronous handlers all run on it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def own_loop() -> asyncio.AbstractEventLoop:
    """This thread's loop, made when it is first needed; it lives as long as its connections do.

    It is the loop that Mangum uses, so an HTTP and a queue function of one thread share it.
    """
    try:
        return asyncio.get_event_loop()
    except RuntimeError:  # no loop in this thread yet
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        return loop


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to completion on this thread's loop."""
    return own_loop().run_until_complete(coroutine)
