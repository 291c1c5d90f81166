"""Invokes scheduled functions at their times, one run at a time each, independent of each other."""

import asyncio
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from local.runtime.environment import prepare_process
from local.runtime.events import schedule_event
from local.runtime.heartbeat import Beat, beat_of, no_beat
from local.runtime.invoker import Invoker, UnknownFunctionError
from local.runtime.log import adopt_libraries, get_logger
from local.runtime.model import Schedule, Template
from local.runtime.stopping import run_until_stopped, wait
from local.runtime.timing import Every

_STOP_SECONDS = 15
_log = get_logger("scheduler")

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[bool]]


class ScheduleRunner:
    """Runs one schedule of one function. `sleep` returns True as soon as the runner shall stop."""

    def __init__(
        self,
        schedule: Schedule,
        function: str,
        invoker: Invoker,
        *,
        clock: Clock,
        sleep: Sleep,
        beat: Beat = no_beat,
    ) -> None:
        self._schedule, self._function, self._invoker = schedule, function, invoker
        self._clock, self._sleep, self._beat = clock, sleep, beat
        self._late, self._is_first = False, True

    async def run(self) -> None:
        """Invoke at every due time until told to stop; an interval is also run once at start.

        A failure is only logged.

        Due times that pass while a run goes on are skipped, so runs never pile up.
        """
        first = self._clock()
        if not isinstance(self._schedule.timing, Every):
            first = self._schedule.timing.next_after(first)
        due = await self._wait_for(first)
        while due is not None:
            await self._invoke(due)
            due = await self._wait_for(self._following(due))

    async def _wait_for(self, due: float) -> float | None:
        """Sleep until due; None when told to stop.

        A clock set back brings the due time back with it.
        """
        while (now := self._clock()) < due:
            due = min(due, self._schedule.timing.next_after(now))
            if await self._sleep(due - now):
                return None
        return None if await self._sleep(0) else due

    async def _invoke(self, due: float) -> None:
        event = schedule_event(
            self._schedule, event_id=str(uuid.uuid4()), at=datetime.fromtimestamp(due, UTC)
        )
        result = await self._invoker.invoke(self._function, event)
        if result.error is None:
            self._beat()
        else:
            _log.error("function_failed", function=self._function, **result.error.envelope())

    def _following(self, due: float) -> float:
        following = self._schedule.timing.next_after(due)
        now = self._clock()
        late = now > following
        if late and not self._late:
            # The first run of a process connects and plans, which takes its time.
            say = _log.info if self._is_first else _log.warning
            say("runs_skipped", function=self._function, late_seconds=round(now - following, 3))
        self._late, self._is_first = late, False
        return self._schedule.timing.next_after(now) if late else following


async def schedule(
    template: Template,
    stop: asyncio.Event,
    *,
    ready: Callable[[], None] = lambda: None,
    only: Collection[str] = (),
) -> None:
    """Run every schedule of the template until `stop`; running invocations then have 15 s.

    `only` names functions, if not all; the others' schedules are somebody else's. Calls `ready`
    when all is loaded. Raises LoadError and UnknownFunctionError.
    """
    invoker = Invoker(template.functions)
    if unknown := set(only) - set(template.functions):
        raise UnknownFunctionError(", ".join(sorted(unknown)))
    runners = []
    for function in template.functions.values():
        if only and function.name not in only:
            continue
        for item in function.schedules:
            invoker.handler(function.name)
            runners.append(
                ScheduleRunner(
                    item,
                    function.name,
                    invoker,
                    clock=time.time,
                    sleep=lambda seconds: wait(stop, seconds),
                    beat=beat_of(os.environ),
                )
            )
    ready()
    _log.info("scheduling", schedules=len(runners))
    async with asyncio.TaskGroup() as group:
        tasks = {group.create_task(runner.run()) for runner in runners}
        await stop.wait()
        _, running = await asyncio.wait(tasks, timeout=_STOP_SECONDS) if tasks else ((), ())
        for task in running:
            _log.error("run_abandoned")
            task.cancel()
    _log.info("stopped")


def run(template: Path, *, only: Collection[str] = ()) -> None:
    """Schedule until SIGTERM or SIGINT. Raises LoadError and TemplateError at start."""
    adopt_libraries("scheduler")
    loaded = prepare_process(template)
    run_until_stopped(lambda stop, ready: schedule(loaded, stop, ready=ready, only=only))
