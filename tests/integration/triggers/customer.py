"""Who owns the triggers and changes them, and the clockwork beside it."""

from datetime import UTC, datetime
from typing import Any

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger
from tests.integration.actions import create, logs
from triggerfish.domain.access import Principal
from triggerfish.domain.trigger import Trigger
from triggerfish.usecases.change_trigger import pause_trigger, resume_trigger, update_trigger
from triggerfish.usecases.manage_triggers import get_trigger
from triggerfish.wiring import Wiring

HOOK = "https://example.com/hook"
START = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)  # where the fixture `clock` starts


class Customer:
    """Who owns the triggers and changes them; and the platform's clockwork beside it."""

    def __init__(self, parts: Wiring, caller: Principal, clock: VirtualClock) -> None:
        self._parts, self._caller, self._clock = parts, caller, clock

    async def create(self, url: str, **changes: Any) -> Trigger:
        return await create(self._parts, self._caller, a_scheduled_trigger(url, **changes))

    async def patch(self, trigger: Trigger, **body: Any) -> Trigger:
        deps = self._parts.change_trigger
        return await update_trigger(trigger.id, body, self._caller, deps)

    async def pause(self, trigger: Trigger) -> Trigger:
        return await pause_trigger(trigger.id, self._caller, self._parts.change_trigger)

    async def resume(self, trigger: Trigger) -> Trigger:
        return await resume_trigger(trigger.id, self._caller, self._parts.change_trigger)

    async def see(self, trigger: Trigger) -> Trigger:
        return await get_trigger(trigger.id, self._caller, self._parts.manage_triggers)

    async def wait(self, seconds: int) -> None:
        """Let time pass a second at a time, with a tick in each."""
        for _ in range(seconds):
            self._clock.advance(seconds=1)
            await functions.tick()

    async def work(self) -> None:
        await functions.work(self._parts.settings.deliveries_queue_url)

    async def fired(self) -> list[float]:
        """When events were due, in seconds from the start, oldest first."""
        found = await logs(self._parts, self._caller)
        return sorted((seen.log.scheduled_for - START).total_seconds() for seen in found)
