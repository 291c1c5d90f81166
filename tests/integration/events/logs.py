"""Events fired over HTTP, and made older than they are."""

from typing import Any

from tests.integration.lanes import Api


async def fired(api: Api, trigger: dict[str, Any], count: int) -> list[str]:
    return [await api.fire(trigger, b'{"id": %d}' % n) for n in range(count)]


def age(api: Api, event_id: str, interval: str) -> None:
    """Let an event have fired that long ago, wherever retention would have put it."""
    api.sql(
        "UPDATE event_logs_active SET fired_at = now() - CAST(%s AS interval) WHERE id = %s",
        interval,
        event_id,
    )
