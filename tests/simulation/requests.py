"""The customers of a simulated platform: requests of every kind, and what they were told."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from tests.simulation.model import Lost, Model
from tests.simulation.platform import Platform
from tests.simulation.world import Crash
from triggerfish.domain.access import Principal
from triggerfish.domain.errors import TriggerfishError
from triggerfish.domain.event_log import EventLogFilter
from triggerfish.domain.idempotency import keyed_request
from triggerfish.domain.retention import View
from triggerfish.usecases.change_trigger import pause_trigger, resume_trigger, update_trigger
from triggerfish.usecases.create_trigger import create_trigger
from triggerfish.usecases.fire_webhook import fire_webhook
from triggerfish.usecases.manage_triggers import delete_trigger
from triggerfish.usecases.query_event_logs import Window
from triggerfish.usecases.release_held import release_held
from triggerfish.usecases.replay_events import replay_event, replay_events
from triggerfish.usecases.rotate_url import rotate_url
from triggerfish.usecases.run_test import run_test, run_unsaved_test

HOSTS = ("a.example.com", "b.example.com", "c.example.com")
GONE_HOST = "gone.example.com"
HOLDING = """
    SELECT DISTINCT t.id FROM triggers t
      JOIN (SELECT * FROM event_logs_active UNION ALL SELECT * FROM event_logs_archive) e
        ON e.trigger_id = t.id AND e.status = 'held'
     ORDER BY t.id
"""


class Customer:
    """Makes requests of its own choice; the model is told what was promised."""

    def __init__(self, platform: Platform, model: Model, caller: Principal) -> None:
        self.world = platform.world
        self.random = platform.world.random
        self.platform = platform
        self.model = model
        self.caller = caller
        self.hooks: dict[UUID, str] = {}  # API trigger → token

    async def create_scheduled(self) -> None:
        await self.request(
            "creates",
            lambda parts: create_trigger(self._definition(), self.caller, parts.create_trigger),
        )

    async def create_api(self) -> None:
        definition = {
            "type": "api",
            "name": "hook",
            "endpoint": self._endpoint(),
            "retry": self._retry(),
        }
        trigger = await self.request(
            "creates", lambda parts: create_trigger(definition, self.caller, parts.create_trigger)
        )
        if trigger is not None:
            self.hooks[trigger.id] = trigger.webhook_token

    async def call_webhooks(self) -> None:
        """A burst of calls at once."""
        if not self.hooks:
            return
        ids = sorted(self.hooks)
        calls = self.random.randint(1, 6)
        await asyncio.gather(*(self.fire(self.random.choice(ids)) for _ in range(calls)))

    async def fire(self, trigger_id: UUID) -> None:
        token = self.hooks[trigger_id]
        body = self._payload()
        asked_at = self.world.now()
        accepted = await self.request(
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
            await self.request(
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
        await self.request(
            f"edits {sorted(fields)} of {id}",
            lambda parts: update_trigger(id, change, self.caller, parts.change_trigger),
        )

    async def pause_or_resume(self) -> None:
        id = self._some_scheduled()
        if id is None:
            return
        verb = self.random.choice((pause_trigger, resume_trigger))
        await self.request(
            f"{verb.__name__} {id}", lambda parts: verb(id, self.caller, parts.change_trigger)
        )

    async def delete(self) -> None:
        id = self._some_scheduled()
        if id is not None:
            await self.request(
                f"deletes {id}",
                lambda parts: delete_trigger(id, self.caller, parts.manage_triggers),
            )

    async def test(self) -> None:
        asked_at = self.world.now()
        id = self.random.choice([None, *sorted(self.hooks)])
        if id is None:
            raw = self._definition() | {"schedule": {"in": self.random.choice(("1s", "20s"))}}
            started = await self.request(
                "tests", lambda parts: run_unsaved_test(raw, self.caller, parts.run_test)
            )
        else:
            payload = {"payload": json.loads(self._payload())}
            started = await self.request(
                "tests", lambda parts: run_test(id, payload, self.caller, parts.run_test)
            )
        if started is not None:
            self.model.promise(started.event.id, asked_at, started.event.payload)

    async def replay(self) -> None:
        asked_at = self.world.now()
        if self.random.random() < 0.3:
            view = self.random.choice(list(View))
            await self.request(
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
            replay = await self.request(
                "replays", lambda parts: replay_event(original, self.caller, parts.replay_events)
            )
            if replay is not None:
                self.model.promise(replay.ref.event_id, asked_at, self.model.promised[original][1])

    async def rotate(self) -> None:
        if self.hooks:
            id = self.random.choice(sorted(self.hooks))
            del self.hooks[id]  # if the answer does not come, nobody knows the new URL
            rotated = await self.request(
                "rotates", lambda parts: rotate_url(id, {}, self.caller, parts.rotate_url)
            )
            if rotated is not None:
                self.hooks[id] = rotated.trigger.webhook_token

    async def release(self) -> None:
        """Mostly as one should: resume the trigger, then release what is held for it."""
        known = self.model.triggers.items()
        ids = sorted([*self.hooks, *(id for id, one in known if not one.deleted)])
        if ids:
            await self._release(self.random.choice(ids), resume=self.random.random() < 0.8)

    async def _release(self, id: UUID, *, resume: bool) -> None:
        if resume:
            await self.request(
                f"resumes {id}", lambda parts: resume_trigger(id, self.caller, parts.change_trigger)
            )
        await self.request(
            f"releases {id}", lambda parts: release_held(id, self.caller, parts.release_held)
        )

    async def release_all(self) -> bool:
        """Whatever is held; whether anything was."""
        ids = [id for [id] in self.platform.storage.execute(HOLDING)]
        for id in ids:
            await self._release(id, resume=True)
        return bool(ids)

    async def pause_all(self) -> None:
        """A disabled trigger fires on, and cannot be paused before it is resumed."""
        for id in sorted(id for id, known in self.model.triggers.items() if not known.deleted):
            for verb in (pause_trigger, resume_trigger, pause_trigger):
                done = await self.request(
                    f"{verb.__name__} {id}",
                    lambda parts, verb=verb, id=id: verb(  # type: ignore[misc]
                        id, self.caller, parts.change_trigger
                    ),
                )
                if done is not None and verb is pause_trigger:
                    break

    async def request(self, what: str, work: Callable[[Any], Any]) -> Any:
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
            "endpoint": self._endpoint(),
            "payload": json.loads(self._payload()),
            "retry": self._retry(),
            "catch_up": self.random.choice(("all", "latest", "none")),
            "catch_up_window_seconds": self.random.choice((600, 3600, 7200)),
        }

    def _endpoint(self) -> dict[str, Any]:
        host = GONE_HOST if self.random.random() < 0.1 else self.random.choice(HOSTS)
        return {"url": f"https://{host}/in", "timeout_seconds": self.random.choice((1, 5, 15))}

    def _retry(self) -> dict[str, Any]:
        return {"delays_seconds": self.random.choice(([], [1], [0.5, 3], [5, 30, 120], [1, 7200]))}

    def _payload(self) -> str:
        return json.dumps(
            {"id": self.random.randrange(1000), "text": "ü "},
            ensure_ascii=False,
            separators=(",", ": "),
        )
