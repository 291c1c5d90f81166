"""Who owns one trigger, and what becomes of it."""

from typing import Any

from tests import functions
from tests.factories import an_api_trigger
from tests.integration.actions import create, fire, logs
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.domain.trigger import Trigger
from triggerfish.usecases.change_trigger import resume_trigger
from triggerfish.usecases.manage_triggers import get_trigger
from triggerfish.usecases.release_held import release_held
from triggerfish.wiring import Wiring


class Customer:
    """Who owns one trigger, and the platform's work beside it."""

    def __init__(self, parts: Wiring, caller: Principal) -> None:
        self.parts, self.caller = parts, caller

    async def create(self, body: dict[str, Any]) -> Trigger:
        return await create(self.parts, self.caller, body)

    async def fire(self, trigger: Trigger) -> Any:
        """Fire an API trigger and let the workers do what there is to do."""
        event_id = await fire(self.parts, trigger, b'{"id": 1}')
        await self.work()
        return event_id

    async def work(self) -> None:
        await functions.work(self.parts.settings.deliveries_queue_url)

    async def see(self, trigger: Trigger) -> Trigger:
        return await get_trigger(trigger.id, self.caller, self.parts.manage_triggers)

    async def resume(self, trigger: Trigger) -> Trigger:
        return await resume_trigger(trigger.id, self.caller, self.parts.change_trigger)

    async def release(self, trigger: Trigger) -> int:
        return await release_held(trigger.id, self.caller, self.parts.release_held)

    async def statuses(self, **window: Any) -> list[str]:
        """Of the events, oldest first."""
        return [seen.log.status for seen in reversed(await logs(self.parts, self.caller, **window))]


async def gone(customer: Customer, receiver: Receiver, **changes: Any) -> Trigger:
    """An API trigger that is disabled, and whose endpoint works again."""
    trigger = await customer.create(an_api_trigger(receiver.url(), **changes))
    receiver.answer(410)
    await customer.fire(trigger)
    receiver.answer(200)
    receiver.deliveries.clear()
    return trigger
