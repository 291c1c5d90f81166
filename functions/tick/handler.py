"""Schedule → fire what becomes due. Every second locally, every minute on AWS, looking ahead."""

from datetime import timedelta
from typing import Any

from triggerfish.edge.schedule_function import Report, schedule_function
from triggerfish.usecases.tick import tick
from triggerfish.wiring import wiring


@schedule_function
async def handler(event: dict[str, Any]) -> Report:
    parts = wiring()
    horizon = float(event.get("horizon_seconds", parts.settings.lookahead_seconds))
    report = await tick(timedelta(seconds=horizon), parts.tick)
    return report.counts()
