"""When a schedule is due: EventBridge's rate() and cron(), and the local override in seconds.

Pure; epoch seconds in and out.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from local.runtime.intrinsics import TemplateError

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\(([^)]*)\)")
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_DAY_NUMBER = re.compile(r"(?<![#\d])[1-7](?!\d)")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True, slots=True)
class Every:
    """Due at each multiple of `seconds` since the epoch: whole seconds and minutes stay whole."""

    seconds: float

    def next_after(self, now: float) -> float:
        return (math.floor(now / self.seconds) + 1) * self.seconds


@dataclass(frozen=True, slots=True)
class Cron:
    """Due at the minutes of a cron expression in UTC. `expression` has the classic five fields."""

    expression: str

    def next_after(self, now: float) -> float:
        return next(CronSim(self.expression, datetime.fromtimestamp(now, UTC))).timestamp()


Timing = Every | Cron


def parse_expression(expression: str) -> Timing:
    """Read `rate(5 minutes)` or `cron(0 9 ? * MON-FRI *)`.

    Raises TemplateError for anything EventBridge refuses.

    Rules: a rate is at least one minute, and singular exactly when its value is 1 (EventBridge user
    guide).
    """
    if rate := _RATE.fullmatch(expression):
        count, unit, plural = int(rate[1]), rate[2], rate[3]
        if count < 1 or (count == 1) == bool(plural):
            raise TemplateError(f"{expression}: write rate(1 {unit}) or rate(N {unit}s) with N > 1")
        return Every(count * _UNIT_SECONDS[unit])
    if cron := _CRON.fullmatch(expression):
        return Cron(_five_fields(expression, cron[1].split()))
    raise TemplateError(f"{expression}: neither rate(N minutes|hours|days) nor cron(six fields)")


def _five_fields(expression: str, fields: list[str]) -> str:
    """From EventBridge's six: weekdays count from 1 = SUN, and the year must be `*`."""
    if len(fields) != 6 or fields[5] != "*":
        raise TemplateError(f"{expression}: needs six fields, the last of them `*`")
    if "?" not in (fields[2], fields[4]):
        raise TemplateError(f"{expression}: one of day and weekday must be `?`")
    weekday = _DAY_NUMBER.sub(lambda day: _DAYS[int(day[0]) - 1], fields[4])
    classic = " ".join([*fields[:4], weekday]).replace("?", "*")
    try:
        CronSim(classic, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise TemplateError(f"{expression}: {error}") from error
    return classic
