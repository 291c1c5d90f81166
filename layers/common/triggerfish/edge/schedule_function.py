"""The whole edge of a schedule function: the schedule's input in, a report out, in both lanes."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from triggerfish.edge.logging import configure
from triggerfish.edge.loop import run

Report = dict[str, int]


class ScheduleHandler(Protocol):
    """A Lambda handler; `native` is the same for hosts that run coroutines."""

    native: Callable[[dict[str, Any], Any], Awaitable[Report]]

    def __call__(self, event: dict[str, Any], context: Any) -> Report: ...


def schedule_function(work: Callable[[dict[str, Any]], Awaitable[Report]]) -> ScheduleHandler:
    """Make a schedule handler of a coroutine over the schedule's input (EventBridge `Input`)."""

    configure()

    async def native(event: dict[str, Any], context: Any) -> Report:
        return await work(event)

    def handler(event: dict[str, Any], context: Any) -> Report:
        return run(native(event, context))

    handler.native = native  # type: ignore[attr-defined]
    return handler  # type: ignore[return-value]
