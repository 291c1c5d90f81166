"""Whether a fire of a cron schedule meets a clock change (the rules are in `cron`)."""

from datetime import datetime, timedelta
from typing import Literal

from triggerfish.domain.cron import is_fixed, pattern
from triggerfish.domain.zones import load_zone

ClockChange = Literal["gap", "fold"]
_SECOND = timedelta(seconds=1)


def clock_change(expression: str, timezone: str, fire: datetime) -> ClockChange | None:
    """`gap`: its wall-clock time does not exist that day, so it fires at the gap's end.
    `fold`: its wall-clock time comes twice that day. `fire` is one of the expression's fires.
    """
    zone = load_zone(timezone)
    local = fire.astimezone(zone)
    first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
    if first is not None and second is not None and second < first:
        return "fold"
    before = (fire - _SECOND).astimezone(zone)
    gap_start = before.replace(tzinfo=None, fold=0) + _SECOND
    gap_end = local.replace(tzinfo=None, fold=0)
    if gap_start < gap_end and is_fixed(expression):
        return "gap" if _wants_one(expression, gap_start, gap_end) else None
    return None


def _wants_one(expression: str, start: datetime, end: datetime) -> bool:
    """Whether a wall-clock time in [start, end) matches."""
    try:
        return next(pattern(expression, start - _SECOND)) < end
    except (StopIteration, OverflowError):  # none in 50 years, or none before the year 10000
        return False
