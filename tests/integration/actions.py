"""What customers do and see, as calls on the use cases with the virtual clock."""

from typing import Any

from triggerfish.adapters.behind import catch_up
from triggerfish.domain.access import Principal
from triggerfish.domain.delivery import Claim, ClaimedEvent
from triggerfish.domain.event_log import EventLogFilter, SeenEventLog
from triggerfish.domain.message import EPOCH
from triggerfish.domain.trigger import Trigger
from triggerfish.usecases.create_trigger import create_trigger
from triggerfish.usecases.fire_webhook import fire_webhook
from triggerfish.usecases.query_event_logs import Window, get_event_log, list_event_logs
from triggerfish.wiring import Wiring


async def create(parts: Wiring, caller: Principal, body: dict[str, Any]) -> Trigger:
    return await create_trigger(body, caller, parts.create_trigger)


async def fire(parts: Wiring, trigger: Trigger, body: bytes) -> Any:
    assert trigger.webhook_token is not None
    accepted = await fire_webhook(trigger.webhook_token, body, parts.fire_webhook)
    await catch_up()  # its message is sent behind the answer
    return accepted.event_id


async def logs(parts: Wiring, caller: Principal, **window: Any) -> list[SeenEventLog]:
    page = await list_event_logs(
        caller, EventLogFilter(), Window(**window), parts.query_event_logs, limit=250, cursor=None
    )
    return page.items


async def detail(parts: Wiring, caller: Principal, event_id: Any) -> SeenEventLog:
    return await get_event_log(event_id, caller, parts.query_event_logs)


async def claim_all(parts: Wiring, trigger: Trigger) -> list[ClaimedEvent]:
    """Lease what is due at the trigger's endpoint, as a worker does that then dies."""
    claim = Claim(trigger.revision.definition.endpoint.key, 10, EPOCH)
    claimed = await parts.deliveries.claim([claim], now=parts.clock.now())
    return claimed[claim.endpoint_key].events
