"""Rotating a webhook URL: how long the old one goes on working."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.trigger import Trigger
from triggerfish.domain.whole_number import whole_number

DEFAULT_GRACE_SECONDS = 86_400
MAX_GRACE_SECONDS = 604_800


@dataclass(frozen=True, slots=True)
class RotatedUrl:
    """A trigger with its new token, and the end of the old URL's grace."""

    trigger: Trigger
    previous_valid_until: datetime


def parse_grace(raw: object) -> timedelta:
    """Read `{"grace_seconds": 0..604800}`, a day if absent. Raises InvalidInput."""
    if not isinstance(raw, dict):
        raise _invalid(FieldError("body", "not an object"))
    if unknown := sorted(set(raw) - {"grace_seconds"}):
        raise _invalid(*(FieldError(name, "unknown field") for name in unknown))
    seconds = whole_number(raw.get("grace_seconds", DEFAULT_GRACE_SECONDS), 0, MAX_GRACE_SECONDS)
    if seconds is None:
        message = f"must be a whole number of seconds, 0 to {MAX_GRACE_SECONDS}"
        raise _invalid(FieldError("grace_seconds", message))
    return timedelta(seconds=seconds)


def _invalid(*details: FieldError) -> InvalidInput:
    return InvalidInput("The rotation is not valid.", details)
