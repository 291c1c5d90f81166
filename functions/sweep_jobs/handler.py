"""Schedule → imports that nobody looks after are taken up: sent again, or deleted to the end."""

from typing import Any

from triggerfish.edge.schedule_function import Report, schedule_function
from triggerfish.usecases.sweep_jobs import sweep_jobs
from triggerfish.wiring import wiring


@schedule_function
async def handler(event: dict[str, Any]) -> Report:
    report = await sweep_jobs(wiring().sweep_jobs)
    return report.counts()
