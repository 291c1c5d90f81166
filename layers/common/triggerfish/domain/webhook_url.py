"""What came of rotating a webhook URL."""

from dataclasses import dataclass
from datetime import datetime

from triggerfish.domain.trigger import Trigger


@dataclass(frozen=True, slots=True)
class RotatedUrl:
    """A trigger with its new token, and the end of the old URL's grace."""

    trigger: Trigger
    previous_valid_until: datetime
