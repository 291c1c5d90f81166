"""An hour on AWS, simulated: ticks a minute apart still fire to the second, and edits hold.

The schedule, the look-ahead and its input are those of infra/template.yaml.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from functions.tick.handler import handler as tick
from tests.conftest import API_KEY
from tests.factories import a_scheduled_trigger
from tests.integration.actions import create
from tests.integration.aws.simulated_aws import OnAws, SimulatedTime
from tests.sam import transformed
from tests.unit.local.sample.paths import PROJECT_TEMPLATE
from triggerfish.domain.access import Principal
from triggerfish.domain.schedule import At, Every
from triggerfish.domain.trigger import Trigger
from triggerfish.settings import Settings
from triggerfish.usecases.change_trigger import pause_trigger, resume_trigger, update_trigger
from triggerfish.usecases.manage_triggers import delete_trigger
from triggerfish.wiring import install

START = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
MINUTES = 60
END = START + timedelta(minutes=MINUTES)
INTERVALS = (13, 20, 31, 45, 60, 75, 90, 121, 180, 299, 400, 900)
FIRED = text("SELECT id, trigger_id, scheduled_for FROM event_logs_active")

Firing = tuple[UUID, int, datetime]  # trigger, version of its payload, when due


@dataclass
class Hour:
    """The customers' side: changes triggers, and keeps what has to fire because of it."""

    parts: OnAws
    caller: Principal
    time: SimulatedTime
    random: Random
    standing: dict[UUID, tuple[Trigger, int, datetime]] = field(default_factory=dict)
    expected: set[Firing] = field(default_factory=set)
    changes: int = 0

    def some_time(self) -> datetime:
        return START + timedelta(seconds=self.random.uniform(0, 60 * MINUTES))

    def a_schedule(self) -> dict[str, Any]:
        if self.random.random() < 0.3:
            return {"in": f"PT{self.random.uniform(1, 900):.3f}S"}
        return {"every": f"{self.random.choice(INTERVALS)}s"}

    async def add(self) -> None:
        body = a_scheduled_trigger(
            f"https://{self.random.randrange(10**6)}.example.com/hook",
            schedule=self.a_schedule(),
            payload={"version": 0},
        )
        self._note(await create(self.parts, self.caller, body), 0)

    async def edit(self) -> None:
        id = self._any()
        version = self.standing[id][1] + 1
        body: dict[str, Any] = {"payload": {"version": version}}
        if not self._recurs(id) or self.random.random() < 0.5:
            body["schedule"] = self.a_schedule()
        self._until_now(id)
        deps = self.parts.change_trigger
        self._note(await update_trigger(id, body, self.caller, deps), version)

    async def pause(self) -> None:
        id = self._any(recurring=True)
        version = self._until_now(id)
        await pause_trigger(id, self.caller, self.parts.change_trigger)
        self.time.at(self.some_pause(), lambda: self.resume(id, version))

    def some_pause(self) -> datetime:
        return self.time.now() + timedelta(seconds=self.random.uniform(1, 300))

    async def resume(self, id: UUID, version: int) -> None:
        self._note(await resume_trigger(id, self.caller, self.parts.change_trigger), version)

    async def delete(self) -> None:
        id = self._any()
        self._until_now(id)
        await delete_trigger(id, self.caller, self.parts.manage_triggers)

    def _any(self, *, recurring: bool = False) -> UUID:
        """Of one-shots some are over: those can be edited and deleted, but not paused."""
        return self.random.choice(
            [id for id in sorted(self.standing) if not recurring or self._recurs(id)]
        )

    def _recurs(self, id: UUID) -> bool:
        schedule = self.standing[id][0].revision.definition.schedule
        return schedule is not None and isinstance(schedule.rule, Every)

    def _note(self, trigger: Trigger, version: int) -> None:
        self.changes += 1
        self.standing[trigger.id] = (trigger, version, self.time.now())

    def _until_now(self, id: UUID) -> int:
        """What the trigger had to fire as it was, up to this moment; the version it had."""
        trigger, version, since = self.standing.pop(id)
        self.expected |= {
            (id, version, due) for due in occurrences(trigger) if since < due <= self.time.now()
        }
        return version

    def settle_all(self) -> None:
        for id in list(self.standing):
            self._until_now(id)


def occurrences(trigger: Trigger) -> list[datetime]:
    """By arithmetic of our own; times are kept in the database to the microsecond."""
    schedule = trigger.revision.definition.schedule
    assert schedule is not None
    if isinstance(schedule.rule, At):
        return [schedule.rule.at]
    assert isinstance(schedule.rule, Every)
    first, step = schedule.rule.start_at, schedule.rule.interval
    return [first + n * step for n in range(1 + 3600 // int(step.total_seconds()))]


@pytest.fixture
def random() -> Random:
    return Random(150)


@pytest.fixture
async def hour(settings: Settings, random: Random) -> AsyncIterator[Hour]:
    time = SimulatedTime(START)
    aws = settings.model_copy(update={"lookahead_seconds": 150, "tick_seconds": 60})
    parts = OnAws(aws, time, random)
    install(parts)
    await parts.ensure_bootstrap(API_KEY)
    caller = await parts.authenticate(API_KEY)
    assert caller is not None
    yield Hour(parts, caller, time, random)
    await parts.close()


def schedule_ticks(hour: Hour) -> None:
    """One in each minute, at any second of it; now and then twice at once."""
    resources = transformed(PROJECT_TEMPLATE)["Resources"].values()
    schedules = [r["Properties"] for r in resources if r["Type"] == "AWS::Scheduler::Schedule"]
    (of_tick,) = [s for s in schedules if "TickFunction" in json.dumps(s["Target"]["Arn"])]
    assert of_tick["ScheduleExpression"] == "rate(1 minute)"
    event = json.loads(of_tick["Target"]["Input"])

    async def run(times: int) -> None:
        await asyncio.gather(*(tick.native(event, None) for _ in range(times)))

    for minute in range(MINUTES):
        at = START + timedelta(minutes=minute, seconds=hour.random.uniform(0, 59.99))
        times = 2 if hour.random.random() < 0.1 else 1
        hour.time.at(at, partial(run, times))


async def test_every_firing_comes_within_a_second_and_none_after_an_edit_or_a_deletion(
    hour: Hour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    schedule_ticks(hour)
    for _ in range(25):
        hour.time.at(START + timedelta(seconds=hour.random.uniform(0, 300)), hour.add)
    for change, times in ((hour.add, 10), (hour.edit, 50), (hour.pause, 10), (hour.delete, 12)):
        for _ in range(times):
            hour.time.at(max(hour.some_time(), START + timedelta(minutes=5)), change)
    await hour.time.run_until(END)
    hour.settle_all()
    await hour.time.run_until(END + timedelta(seconds=1))  # what was due in the last second

    due = {row.id: row for row in await hour.parts.database.run(FIRED)}
    made = [
        ((due[id].trigger_id, body["version"], due[id].scheduled_for), at)
        for id, at, body in hour.parts.noted.sent
        if due[id].scheduled_for <= END
    ]
    fired = [firing for firing, _ in made]
    assert len(fired) == len(set(fired)), "each once, though messages and ticks come twice"
    assert set(fired) == hour.expected
    late = [(at - firing[2]).total_seconds() for firing, at in made]
    assert min(late) >= 0
    assert max(late) < 1
    assert len(fired) > 500
    assert hour.parts.simulated.longest_delay > 120, "the look-ahead was used"
