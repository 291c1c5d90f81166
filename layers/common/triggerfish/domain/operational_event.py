"""What happens to a trigger by itself, for its owner to know: that it has been disabled."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class OperationalEvent:
    """A trigger was disabled, and why; the name is None when it has been deleted since.

    `failing_since`: when the first of nothing but failures came.
    """

    trigger_id: UUID
    trigger_name: str | None
    at: datetime
    reason: str
    failing_since: datetime
