"""Invoked after a deployment → the database has the current schema and the first API key."""

import asyncio
from typing import Any

from triggerfish.edge.schedule_function import Report, schedule_function
from triggerfish.wiring import wiring
from triggerfish.wiring.upkeep import migrate


@schedule_function
async def handler(event: dict[str, Any]) -> Report:
    await asyncio.to_thread(migrate, wiring().settings)
    return {}
