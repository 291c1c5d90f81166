"""What customers do and see, as calls on the use cases with the virtual clock."""

from typing import Any

from triggerfish.domain.access import Principal
from triggerfish.domain.event_log import EventLogFilter, SeenEventLog
from triggerfish.domain.trigger import Trigger
from triggerfish.usecases.create_trigger import create_trigger
from triggerfish.usecases.fire_webhook import fire_webhook
from triggerfish.usecases.query_event_logs import Window, get_event_log, list_event_logs
from triggerfish.wiring import Wiring


async def create(parts: Wiring, caller: Principal, body: dict[str, Any]) -> Trigger:
    return await create_trigger(body, caller, parts.create_trigger)


async def fire(parts: Wiring, trigger: Trigger, body: bytes) -> Any:
    assert trigger.webhook_token is not None
    return (await fire_webhook(trigger.webhook_token, body, parts.fire_webhook)).event_id


async def logs(parts: Wiring, caller: Principal, **window: Any) -> list[SeenEventLog]:
    page = await list_event_logs(
        caller, EventLogFilter(), Window(**window), parts.query_event_logs, limit=250, cursor=None
    )
    return page.items


async def detail(parts: Wiring, caller: Principal, event_id: Any) -> SeenEventLog:
    return await get_event_log(event_id, caller, parts.query_event_logs)
