"""A clock that tests move: waiting for an instant moves it there."""

from datetime import UTC, datetime, timedelta


class VirtualClock:
    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    async def sleep_until(self, instant: datetime) -> None:
        self._now = max(self._now, instant)

    def advance(self, **delta: float) -> datetime:
        """`advance(seconds=5)`; returns the new time."""
        self._now += timedelta(**delta)
        return self._now

    def set_back(self, **delta: float) -> datetime:
        """The other way, as a corrected clock does."""
        self._now -= timedelta(**delta)
        return self._now


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
