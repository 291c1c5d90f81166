"""Running schedules on a virtual clock: on time, never piling up, never giving up."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local.runtime.invoker import FunctionError, Invoker, Result, UnknownFunctionError
from local.runtime.loader import LoadError
from local.runtime.scheduler import ScheduleRunner, schedule
from local.runtime.template import Schedule, load
from local.runtime.timing import Cron, Every
from tests.unit.local.sample.paths import SAMPLE_TEMPLATE


class World:
    """A clock that only sleeping and running move; it stops the schedule at `end`."""

    def __init__(self, now: float, end: float) -> None:
        self.now, self.end = now, end

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> bool:
        self.now += seconds
        return self.now >= self.end


class Function(Invoker):
    """Records when it ran; each run takes as long as `takes` says for its number."""

    def __init__(
        self,
        world: World,
        takes: Callable[[int], float] = lambda run: 0,
        error: FunctionError | None = None,
    ) -> None:
        super().__init__({})
        self.world, self.takes, self.error = world, takes, error
        self.runs: list[float] = []
        self.events: list[Any] = []

    async def invoke(self, name: str, event: Any, request_id: str = "") -> Result:
        self.runs.append(self.world.now)
        self.events.append(event)
        self.world.now += self.takes(len(self.runs))
        return Result("r", 0.0, error=self.error)


async def runs(
    world: World, function: Function, timing: Every | Cron, literal: Any = None
) -> list[float]:
    schedule = Schedule("S", "ScheduleV2", "rate(1 minute)", timing, literal)
    await ScheduleRunner(schedule, "f", function, clock=world.clock, sleep=world.sleep).run()
    return function.runs


async def test_an_interval_runs_at_start_and_then_on_whole_multiples() -> None:
    world = World(10.3, end=13.5)
    assert await runs(world, Function(world), Every(1)) == [10.3, 11, 12, 13]


async def test_a_cron_schedule_waits_for_its_first_time() -> None:
    world = World(30, end=200)
    assert await runs(world, Function(world), Cron("* * * * *")) == [60, 120, 180]


async def test_due_times_that_pass_during_a_run_are_skipped_and_said_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(10, end=20.5)
    function = Function(world, takes=lambda run: 2.5 if run in (2, 3) else 0)
    assert await runs(world, function, Every(1)) == [10, 11, 14, 17, 18, 19, 20]
    assert capsys.readouterr().err.count("runs_skipped") == 1


async def test_a_first_run_that_takes_its_time_is_no_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(10, end=14.5)
    function = Function(world, takes=lambda run: 2.5 if run == 1 else 0)
    assert await runs(world, function, Every(1)) == [10, 13, 14]
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "runs_skipped" in line]
    assert json.loads(line)["level"] == "info"


async def test_a_failure_is_logged_and_the_next_run_happens_anyway(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(10, end=12.5)
    function = Function(world, error=FunctionError("no database", "OSError", "r"))
    assert await runs(world, function, Every(1)) == [10, 11, 12]
    assert capsys.readouterr().err.count("no database") == 3


async def test_the_heart_beats_after_each_run_that_went_well() -> None:
    world = World(10, end=12.5)
    beats: list[float] = []
    for function in (Function(world), Function(world, error=FunctionError("no", "OSError", "r"))):
        await ScheduleRunner(
            Schedule("S", "ScheduleV2", "rate(1 minute)", Every(1)),
            "f",
            function,
            clock=world.clock,
            sleep=world.sleep,
            beat=lambda: beats.append(world.now),
        ).run()
        world.now = 10
    assert beats == [10, 11, 12]


async def test_a_clock_set_back_does_not_silence_the_schedule() -> None:
    class SetBack(World):
        async def sleep(self, seconds: float) -> bool:
            await super().sleep(seconds)
            return self.now == 1405

    world = SetBack(5000, end=0)
    function = Function(world, takes=lambda run: -3600 if run == 2 else 0)
    assert await runs(world, function, Every(1)) == [5000, 5001, 1402, 1403, 1404]


async def test_the_event_says_when_it_was_due_or_is_the_literal_input() -> None:
    world = World(59.5, end=60.5)
    function = Function(world)
    await runs(world, function, Cron("* * * * *"))
    assert function.events[0]["time"] == "1970-01-01T00:01:00Z"
    world = World(59.5, end=60.5)
    function = Function(world)
    await runs(world, function, Cron("* * * * *"), {"horizon": 2})
    assert function.events == [{"horizon": 2}]


async def test_only_the_named_functions_are_loaded_and_scheduled() -> None:
    sample = load(SAMPLE_TEMPLATE, sqs_endpoint="", environ={})
    broken = replace(sample.functions["beat"], module="nowhere")
    template = replace(sample, functions={**sample.functions, "beat": broken})
    stop = asyncio.Event()
    stop.set()
    with pytest.raises(LoadError):
        await schedule(template, stop)
    await schedule(template, stop, only=["web"])
    with pytest.raises(UnknownFunctionError, match="nobody"):
        await schedule(template, stop, only=["nobody"])
