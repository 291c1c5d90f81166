"""The whole edge of a schedule function: the schedule's input in, a report out, in both lanes."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from triggerfish.edge.logging import configure, invocation
from triggerfish.edge.loop import run

log = structlog.get_logger()

Report = dict[str, int]


class ScheduleHandler(Protocol):
    """A Lambda handler; `native` is the same for hosts that run coroutines."""

    native: Callable[[dict[str, Any], Any], Awaitable[Report]]

    def __call__(self, event: dict[str, Any], context: Any) -> Report: ...


def schedule_function(work: Callable[[dict[str, Any]], Awaitable[Report]]) -> ScheduleHandler:
    """Make a schedule handler of a coroutine over the schedule's input (EventBridge `Input`).

    Its report is logged when it did anything: most runs find nothing to do.
    """

    configure()

    async def native(event: dict[str, Any], context: Any) -> Report:
        with invocation(context):
            report = await work(event)
            if any(report.values()):
                log.info("run_done", **report)
            return report

    def handler(event: dict[str, Any], context: Any) -> Report:
        return run(native(event, context))

    handler.native = native  # type: ignore[attr-defined]
    return handler  # type: ignore[return-value]
