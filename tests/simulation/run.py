"""One run: a seed becomes a platform, its customers, their bad luck, and at the end a verdict."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.simulation.customers import MOODS
from tests.simulation.database import Storage
from tests.simulation.loop import VirtualLoop
from tests.simulation.model import Lost, Model
from tests.simulation.platform import WORKERS, Platform
from tests.simulation.world import Crash, World
from triggerfish.adapters.db.invariants import QueueReading, Reading, check_invariants
from triggerfish.domain.errors import TriggerfishError
from triggerfish.domain.event_log import EventLogFilter
from triggerfish.domain.idempotency import keyed_request
from triggerfish.domain.retention import View
from triggerfish.usecases.change_trigger import pause_trigger, resume_trigger, update_trigger
from triggerfish.usecases.create_trigger import create_trigger
from triggerfish.usecases.fire_webhook import fire_webhook
from triggerfish.usecases.manage_triggers import delete_trigger
from triggerfish.usecases.query_event_logs import Window
from triggerfish.usecases.replay_events import replay_event, replay_events
from triggerfish.usecases.rotate_url import rotate_url
from triggerfish.usecases.run_test import run_test, run_unsaved_test

STEPS = 25
MAX_BACK_SECONDS = 50
HOSTS = ("a.example.com", "b.example.com", "c.example.com")
GONE_HOST = "gone.example.com"
OPEN = """
    SELECT min(next_attempt_at) FROM (
        SELECT next_attempt_at FROM event_logs_active WHERE status IN ('pending', 'delivering')
        UNION ALL
        SELECT next_attempt_at FROM event_logs_archive WHERE status IN ('pending', 'delivering')) e
"""


@dataclass(frozen=True)
class Result:
    """What a seed came to: its trace, and what was broken (None when nothing was)."""

    seed: int
    trace: list[str]
    error: str | None
    crashes: int
    deliveries: int


def simulate(seed: int, storage: Storage) -> Result:
    """Run a seed from the beginning; the database is emptied first."""
    storage.clear()
    world = World(seed)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        simulation = Simulation(world, storage)
        error = runner.run(simulation.run())
    receipts = len(simulation.platform.endpoints.receipts)
    return Result(seed, world.trace, error, world.crashes, receipts)


class Simulation:
    """The customers of one platform, and its verdict."""

    def __init__(self, world: World, storage: Storage) -> None:
        self.world = world
        self.random = world.random
        self.platform = Platform(world, storage)
        self.model = Model(self.platform)
        self.hooks: dict[UUID, str] = {}  # API trigger → token
        self.set_back = 0.0

    async def run(self) -> str | None:
        self.caller = self.platform.begin()
        try:
            for step in range(STEPS):
                await asyncio.sleep(self.random.choice((0.0, 0.1, 1.0, 3.0, 8.0, 20.0)))
                await self._step(step)
            await self._recover()
            await self._settle()
            self._judge(retained=True)
            await self.platform.end()
        except (Lost, AssertionError) as broken:
            return str(broken)
        return None

    async def _step(self, step: int) -> None:
        actions: tuple[tuple[int, Callable[[], Awaitable[None]]], ...] = (
            (8, self.create_scheduled),
            (5, self.create_api),
            (12, self.call_webhooks),
            (6, self.call_with_key),
            (8, self.edit),
            (5, self.pause_or_resume),
            (2, self.delete),
            (4, self.test),
            (4, self.replay),
            (2, self.rotate),
            (4, self.retention),
            (6, self.change_mood),
            (3, self.jump),
            (2, self.pause_the_tick),
            (2, self.kill),
            (1, self.wipe_the_queue),
        )
        weights = [weight for weight, _ in actions]
        action = self.random.choices([action for _, action in actions], weights)[0]
        if step < 3:
            action = (self.create_scheduled, self.create_api, self.call_webhooks)[step]
        await action()
        self.model.observe()

    # What customers do

    async def create_scheduled(self) -> None:
        await self._api(
            "creates",
            lambda parts: create_trigger(self._definition(), self.caller, parts.create_trigger),
        )

    async def create_api(self) -> None:
        host = GONE_HOST if self.random.random() < 0.1 else self.random.choice(HOSTS)
        definition = {
            "type": "api",
            "name": "hook",
            "endpoint": self._endpoint(host),
            "retry": self._retry(),
        }
        trigger = await self._api(
            "creates", lambda parts: create_trigger(definition, self.caller, parts.create_trigger)
        )
        if trigger is not None:
            self.hooks[trigger.id] = trigger.webhook_token

    async def call_webhooks(self) -> None:
        """A burst of calls at once."""
        if not self.hooks:
            return
        await asyncio.gather(*(self._fire() for _ in range(self.random.randint(1, 6))))

    async def _fire(self) -> None:
        token = self.hooks[self.random.choice(sorted(self.hooks))]
        body = self._payload()
        asked_at = self.world.now()
        accepted = await self._api(
            "fires", lambda parts: fire_webhook(token, body.encode(), parts.fire_webhook)
        )
        if accepted is not None:
            self.model.promise(accepted.event_id, asked_at, body)

    async def call_with_key(self) -> None:
        """The same call several times, as one whose answer did not come is sent again."""
        if not self.hooks:
            return
        trigger_id = self.random.choice(sorted(self.hooks))
        token, key, body = self.hooks[trigger_id], self.platform.ids.token(), self._payload()
        request = keyed_request([key], body.encode())
        asked_at = self.world.now()
        answers = [
            await self._api(
                "fires by key",
                lambda parts: fire_webhook(
                    token, body.encode(), parts.fire_webhook, request=request
                ),
            )
            for _ in range(self.random.randint(1, 3))
        ]
        ids = {answer.event_id for answer in answers if answer is not None}
        if len(ids) > 1:
            raise Lost(f"one key made several events: {sorted(ids)}")
        for id in ids:
            self.model.promise(id, asked_at, body)

    async def edit(self) -> None:
        id = self._some_scheduled()
        if id is None:
            return
        whole = self._definition()
        fields = self.random.sample(("name", "schedule", "payload", "endpoint", "retry"), 2)
        change = {name: whole[name] for name in fields} | {"name": self.platform.ids.token()[:8]}
        await self._api(
            f"edits {sorted(fields)} of {id}",
            lambda parts: update_trigger(id, change, self.caller, parts.change_trigger),
        )

    async def pause_or_resume(self) -> None:
        id = self._some_scheduled()
        if id is None:
            return
        verb = self.random.choice((pause_trigger, resume_trigger))
        await self._api(
            f"{verb.__name__} {id}", lambda parts: verb(id, self.caller, parts.change_trigger)
        )

    async def delete(self) -> None:
        id = self._some_scheduled()
        if id is not None:
            await self._api(
                f"deletes {id}",
                lambda parts: delete_trigger(id, self.caller, parts.manage_triggers),
            )

    async def test(self) -> None:
        asked_at = self.world.now()
        id = self.random.choice([None, *sorted(self.hooks)])
        if id is None:
            raw = self._definition() | {"schedule": {"in": self.random.choice(("1s", "20s"))}}
            started = await self._api(
                "tests", lambda parts: run_unsaved_test(raw, self.caller, parts.run_test)
            )
        else:
            payload = {"payload": json.loads(self._payload())}
            started = await self._api(
                "tests", lambda parts: run_test(id, payload, self.caller, parts.run_test)
            )
        if started is not None:
            self.model.promise(started.event.id, asked_at, started.event.payload)

    async def replay(self) -> None:
        asked_at = self.world.now()
        if self.random.random() < 0.3:
            view = self.random.choice(list(View))
            await self._api(
                "replays many",
                lambda parts: replay_events(
                    self.caller,
                    EventLogFilter(),
                    Window(view, None, None),
                    parts.replay_events,
                    limit=5,
                    cursor=None,
                    dry_run=False,
                ),
            )
        elif self.model.promised:
            original = self.random.choice(sorted(self.model.promised))
            replay = await self._api(
                "replays", lambda parts: replay_event(original, self.caller, parts.replay_events)
            )
            if replay is not None:
                self.model.promise(replay.ref.event_id, asked_at, self.model.promised[original][1])

    async def rotate(self) -> None:
        if self.hooks:
            id = self.random.choice(sorted(self.hooks))
            del self.hooks[id]  # if the answer does not come, nobody knows the new URL
            rotated = await self._api(
                "rotates", lambda parts: rotate_url(id, {}, self.caller, parts.rotate_url)
            )
            if rotated is not None:
                self.hooks[id] = rotated.trigger.webhook_token

    # What befalls everybody

    async def retention(self) -> None:
        await self.platform.retain_once()

    async def change_mood(self) -> None:
        host = self.random.choice((*HOSTS, GONE_HOST))
        mood = "is gone" if host == GONE_HOST else self.random.choice(MOODS)
        self.platform.endpoints.moods[host] = mood
        self.world.note(host, mood)

    async def jump(self) -> None:
        """The clock is corrected, or the machine was asleep."""
        seconds = self.random.choice((-30.0, -5.0, 20.0, 600.0, 7_300.0, 100_000.0, 180_000.0))
        if seconds < 0 and self.set_back - seconds > MAX_BACK_SECONDS:
            return
        self.set_back = max(self.set_back - seconds, 0.0)
        if seconds > 86_400:
            self.model.check()  # as long as the logs are kept
        self.world.note("clock", f"JUMPS by {seconds} s")
        self.world.jump(seconds)

    async def pause_the_tick(self) -> None:
        seconds = self.random.choice((90, 3_600))
        self.world.note("tick", f"PAUSES for {seconds} s")
        self.platform.tick_paused_until = self.world.elapsed() + seconds
        await asyncio.sleep(self.random.choice((5, seconds)))

    async def kill(self) -> None:
        self.world.is_calm = False
        await self.platform.kill(self.random.choice(("api", "tick", *WORKERS)))

    async def wipe_the_queue(self) -> None:
        self.world.note("queue", "IS WIPED")
        self.platform.broker.wipe()

    # How it ends

    async def _recover(self) -> None:
        """Luck turns: in a few ticks everything that is due has fired. Then the schedules end."""
        self.world.note("world", "NO MORE FAULTS")
        self.world.faults = False
        self.platform.tick_paused_until = 0.0
        for _ in range(5):  # 100 occurrences of a trigger in each
            await self.platform.tick_once()
        self._judge(retained=False)
        for id in sorted(id for id, known in self.model.triggers.items() if not known.deleted):
            await self._api(
                f"pauses {id}",
                lambda parts, id=id: pause_trigger(  # type: ignore[misc]
                    id, self.caller, parts.change_trigger
                ),
            )

    async def _settle(self) -> None:
        """Wait until everything that was promised is done."""
        self.platform.tick_seconds = 30
        for _ in range(30):
            await asyncio.sleep(30)
            await self.platform.tick_once()
            [[earliest]] = self.platform.storage.execute(OPEN)
            if earliest is None and not self.platform.broker.messages:
                break
            if earliest is not None and earliest > self.world.now():
                await asyncio.sleep((earliest - self.world.now()).total_seconds())
        else:
            raise Lost(f"I4: an event that was due at {earliest} is never done")
        assert await self.platform.retain_once()

    def _judge(self, *, retained: bool) -> None:
        self.model.observe()
        self.model.check()
        now = self.world.now()
        dead = tuple(message.ref.event_id for message in self.platform.broker.dead)
        if (
            not self.world.is_calm
        ):  # a job of five processes that died is given up: the sweep has it
            dead = ()
        queue = QueueReading(len(self.platform.broker.messages), dead)
        reading = Reading(
            now,
            self.platform.settings.retention,
            ticked_at=now,
            retained_at=now if retained else None,
            queue=queue if retained else None,
        )
        for verdict in check_invariants(self.platform.storage.url, reading):
            if verdict.broken:
                rule = verdict.rule
                raise Lost(f"{rule.invariant}: {rule.says}: {dict(verdict.examples[0])}")

    # Small parts

    async def _api(self, what: str, work: Callable[[Any], Any]) -> Any:
        """One request; None when no answer came, or a refusal: the customer cannot tell what is."""
        self.world.note("customer", what)
        try:
            answer = await self.platform.call("api", work)
        except Crash:
            self.world.note("customer", "gets no answer")
        except TriggerfishError as refusal:
            self.world.note("customer", f"is told: {refusal.message}")
        else:
            return answer
        return None

    def _some_scheduled(self) -> UUID | None:
        ids = sorted(id for id, known in self.model.triggers.items() if not known.deleted)
        return self.random.choice(ids) if ids else None

    def _definition(self) -> dict[str, Any]:
        schedule = self.random.choice(
            (
                {"every": "30s"},
                {"every": "2m"},
                {"every": "45m"},
                {"in": "1s"},
                {"in": "40s"},
                {"cron": "*/1 * * * *", "timezone": "UTC"},
                {"cron": "*/15 * * * *", "timezone": "UTC"},
            )
        )
        return {
            "type": "scheduled",
            "name": "clockwork",
            "schedule": schedule,
            "endpoint": self._endpoint(self.random.choice(HOSTS)),
            "payload": json.loads(self._payload()),
            "retry": self._retry(),
            "catch_up": self.random.choice(("all", "latest", "none")),
            "catch_up_window_seconds": self.random.choice((600, 3600, 7200)),
        }

    def _endpoint(self, host: str) -> dict[str, Any]:
        return {"url": f"https://{host}/in", "timeout_seconds": self.random.choice((1, 5, 15))}

    def _retry(self) -> dict[str, Any]:
        return {"delays_seconds": self.random.choice(([], [1], [0.5, 3], [5, 30, 120], [1, 7200]))}

    def _payload(self) -> str:
        return json.dumps(
            {"id": self.random.randrange(1000), "text": "ü "},
            ensure_ascii=False,
            separators=(",", ": "),
        )
