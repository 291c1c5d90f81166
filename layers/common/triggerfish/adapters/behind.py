"""Work that no caller waits for: tasks beside the requests, kept until they have ended.

On Lambda a container may freeze once it has answered, so there the edge waits for them first.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any
from weakref import WeakKeyDictionary

_tasks: WeakKeyDictionary[asyncio.AbstractEventLoop, set[asyncio.Task[None]]] = WeakKeyDictionary()


def run_behind(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start `work` on the running loop and return at once; the task need not be kept."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    tasks = _tasks.setdefault(loop, set())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


def is_behind(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether work is under way on that loop."""
    return bool(_tasks.get(loop))


async def catch_up() -> None:
    """Wait for what is under way on the running loop; a failure is asyncio's to log."""
    if under_way := _tasks.get(asyncio.get_running_loop()):
        await asyncio.wait(set(under_way))
