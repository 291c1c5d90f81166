"""Schedule → messages for notifications that wait without one."""

from typing import Any

from triggerfish.edge.schedule_function import Report, schedule_function
from triggerfish.usecases.send_notification import sweep_notifications
from triggerfish.wiring import wiring


@schedule_function
async def handler(event: dict[str, Any]) -> Report:
    return {"swept": await sweep_notifications(wiring().send_notification)}
