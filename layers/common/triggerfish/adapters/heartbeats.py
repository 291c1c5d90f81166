"""Heartbeats of a busy function: one row for all its invocations, so it is written sparingly."""

from datetime import datetime, timedelta

from triggerfish.ports import Heartbeats

INTERVAL = timedelta(seconds=1)


class SparseHeartbeats:
    """Passes on at most one heartbeat a second and name; the ones between would say the same."""

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats
        self._last: dict[str, datetime] = {}

    async def beat(
        self, name: str, *, now: datetime, duration_ms: int, counts: dict[str, int]
    ) -> None:
        last = self._last.get(name)
        if last is not None and now - last < INTERVAL:
            return
        self._last[name] = now
        await self._heartbeats.beat(name, now=now, duration_ms=duration_ms, counts=counts)
