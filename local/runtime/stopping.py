"""SIGTERM and SIGINT as an asyncio event, and the loop to wait on it with."""

import asyncio
import signal
from collections.abc import Callable, Coroutine

from local.runtime.environment import freeze_imports
from local.runtime.watchdog import LoopWatch

try:
    import uvloop as loops
except ImportError:  # not built for this platform
    import asyncio as loops  # type: ignore[no-redef]


Main = Callable[[asyncio.Event, Callable[[], None]], Coroutine[None, None, None]]


def run_until_stopped(main: Main) -> None:
    """Run `main(stop, ready)` to its end; `stop` is set by the first SIGTERM or SIGINT.

    It calls `ready` when it has loaded everything: from then on no turn of the loop takes long.
    """

    async def with_signals() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        watch = LoopWatch()

        def ready() -> None:
            freeze_imports()
            watch.start()

        try:
            await main(stop, ready)
        finally:
            watch.stop()

    with asyncio.Runner(loop_factory=loops.new_event_loop) as runner:
        runner.run(with_signals())


async def wait(stop: asyncio.Event, seconds: float) -> bool:
    """Sleep, but not beyond the stop. True when stopping."""
    if stop.is_set():
        return True
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
