"""Schedule → archive what is no longer active, delete what is expired."""

from typing import Any

from triggerfish.edge.schedule_function import Report, schedule_function
from triggerfish.usecases.retention import run_retention
from triggerfish.wiring import wiring


@schedule_function
async def handler(event: dict[str, Any]) -> Report:
    report = await run_retention(wiring().retention)
    return report.counts()
