"""The only reader of the clock."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """Wall-clock time in UTC, and waiting for it."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, instant: datetime) -> None:
        """Return at `instant` or just after it, never before; at once when it has passed."""
        while (left := (instant - self.now()).total_seconds()) > 0:
            await asyncio.sleep(left)
