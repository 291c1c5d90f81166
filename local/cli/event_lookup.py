"""Event logs of whichever project, read from the database: for operators only."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from local.cli.settings import read_settings

Logs = dict[UUID, dict[str, Any]]


def event_logs(event_ids: Sequence[UUID]) -> Logs | None:
    """What these events' logs say now, without payloads; None when the database is away.

    An event that is not logged, or no more, is left out.
    """
    return asyncio.run(_event_logs(event_ids)) if event_ids else {}


async def _event_logs(event_ids: Sequence[UUID]) -> Logs | None:
    from triggerfish.domain.errors import TryLater
    from triggerfish.domain.event_log import seen
    from triggerfish.edge.views import event_log_detail
    from triggerfish.wiring import Wiring

    now = datetime.now(UTC)
    parts = Wiring(read_settings())
    try:
        logs = await parts.events.find(event_ids)
    except TryLater:
        return None
    finally:
        await parts.close()
    policy = parts.settings.retention
    views = [
        event_log_detail(view)
        for log in logs
        if (view := seen(log, policy, max(now, log.fired_at)))
    ]
    return {
        UUID(view["id"]): {name: value for name, value in view.items() if name != "payload"}
        for view in views
    }
