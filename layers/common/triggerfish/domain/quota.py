"""What a project has added while event logs are kept, and how much it may add."""

from dataclasses import dataclass

from triggerfish.domain.errors import TooManyRequests

RETRY_AFTER_SECONDS = 60.0  # old events leave the count hour by hour


@dataclass(slots=True)
class Usage:
    """Events and the bytes of their payloads."""

    events: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Quota:
    """How much a project may add; 0 is no limit."""

    events: int = 0
    size: int = 0

    def check(self, used: Usage) -> None:
        """Raises TooManyRequests naming what is exceeded."""
        for limit, has, what in (
            (self.events, used.events, "events"),
            (self.size, used.size, "bytes of payloads"),
        ):
            if limit and has > limit:
                message = f"The project has added {limit} {what} while their logs are kept"
                raise TooManyRequests(f"{message}, as many as it may.", RETRY_AFTER_SECONDS)
