"""Cron expressions on the wall clock of a time zone.

`cronsim` parses (Debian cron's grammar) and walks the bare wall clock; the step from wall clock to
UTC is made here, because cronsim's own goes wrong where the clock jumps by less than an hour
(Lord Howe) or starts inside a repeated hour. The rules are Debian cron's:

- fixed times (neither minute nor hour starts with `*`): a time in the gap fires once, at the gap's
  end; a time in the repeated hour fires once, the first time;
- wildcards run by elapsed time: nothing for an hour that does not exist, twice for a repeated one.

An expression is kept as its owner wrote it; `cron_fields` puts it in cronsim's words.
"""

import copy
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from triggerfish.domain.cron_fields import plain
from triggerfish.domain.timestamps import LATEST
from triggerfish.domain.zones import load_zone

MAX_EXPRESSION_LENGTH = 256

_ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_SEARCH_YEARS = 50  # cronsim's own limit; a pattern on 29 February and a weekday needs up to 40
_ANY_DATE = datetime(2000, 1, 1)  # noqa: DTZ001 - a wall-clock time on purpose


def normalise_expression(text: str) -> str:
    """Return the expression as five fields with single spaces; ValueError says what is wrong."""
    if len(text) > MAX_EXPRESSION_LENGTH:
        raise ValueError(f"must be at most {MAX_EXPRESSION_LENGTH} characters long")
    if len(text.splitlines()) > 1 or text != text.rstrip("\r\n"):
        raise ValueError("must be one line: remove the line break")
    text = _ALIASES.get(text.strip().lower(), text)
    if text.startswith("@"):
        raise ValueError(f"must be five fields or one of {', '.join(_ALIASES)}")
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(
            f"has {len(fields)} fields and must have five: minute, hour, day of month, month,"
            ' day of week (such as "0 9 * * MON-FRI"); seconds and years are not supported'
        )
    expression = " ".join(fields)
    try:
        pattern(expression, _ANY_DATE)
    except CronSimError:
        raise ValueError(
            f'never fires: day of month "{fields[2]}" does not exist in month "{fields[3]}";'
            " use a day that its months have, or L for the last one"
        ) from None
    return expression


def pattern(expression: str, after: datetime) -> CronSim:
    """The expression on a bare wall clock. Raises CronSimError for days that no month has."""
    return CronSim(plain(expression), after)


def is_fixed(expression: str) -> bool:
    """Whether it names times of the day; one with wildcards there runs by elapsed time."""
    minute, hour = expression.split()[:2]
    return not minute.startswith("*") and not hour.startswith("*")


def next_fire(expression: str, timezone: str, after: datetime) -> datetime | None:
    """Return the first fire strictly after `after`; None if 50 years have none."""
    return _clock(expression, timezone).next_fire(after)


def newest_fire(expression: str, timezone: str, start: datetime, end: datetime) -> datetime:
    """Return the last fire in [start, end), where `start` is known to be a fire before `end`.

    Bisects on "is there another fire before the end": about 30 steps for ten years.
    """
    clock = _clock(expression, timezone)
    found, low, high = start, start, end
    while high - low > _SECOND:
        middle = low + (high - low) / 2
        fire = clock.next_fire(middle)
        if fire is None or fire >= end:
            high = middle
        else:
            found = low = fire
    return found


def count_fires(expression: str, timezone: str, start: datetime, end: datetime) -> int:
    """Count the fires in [start, end) day by day, not one by one: about 5 µs a day."""
    return _clock(expression, timezone).count(_whole_second(start), _whole_second(end))


def _whole_second(moment: datetime) -> datetime:
    """Round up: fires are on whole seconds, so what is at or after the moment stays so."""
    return moment if moment.microsecond == 0 else moment.replace(microsecond=0) + _SECOND


@lru_cache(maxsize=4096)
def _clock(expression: str, timezone: str) -> "_CronClock":
    return _CronClock(expression, load_zone(timezone))


class _CronClock:
    """A parsed expression on one zone's wall clock."""

    def __init__(self, expression: str, zone: ZoneInfo) -> None:
        self._zone = zone
        self._pattern = pattern(expression, _ANY_DATE)
        self._fixed = is_fixed(expression)
        self._seconds_of_day = sorted(
            h * 3600 + m * 60 for h in self._pattern.hours for m in self._pattern.minutes
        )

    def next_fire(self, after: datetime) -> datetime | None:
        local = after.astimezone(self._zone)
        repeat = self._coming_repeat(local)
        best: datetime | None = None
        wall_now = local.replace(tzinfo=None, fold=0)
        last_year = min(after.year + _SEARCH_YEARS, LATEST.year - 1)
        for wall in self._walls_after(wall_now - repeat):
            if wall.year > last_year:
                break
            for moment in self._moments(wall):
                if moment > after and (best is None or moment < best):
                    best = moment
            if best is not None and wall > wall_now:
                return best
        return best

    def _coming_repeat(self, local: datetime) -> timedelta:
        """How far the clock will soon be set back, if it now shows a time it will show again."""
        if self._fixed or local.fold:
            return timedelta(0)
        again = local.replace(fold=1).utcoffset()
        shift = (local.utcoffset() or timedelta(0)) - (again or timedelta(0))
        return max(shift, timedelta(0))

    def _walls_after(self, wall: datetime) -> Iterator[datetime]:
        """Matching wall-clock times strictly after `wall`, as naive datetimes."""
        walk = copy.copy(self._pattern)  # parsing once saves half the time of a step
        walk.dt = wall.replace(microsecond=0)
        try:
            yield from walk
        except OverflowError:  # past the year 9999: nothing more to fire
            return

    def _moments(self, wall: datetime) -> tuple[datetime, ...]:
        """The UTC moments at which a matching wall-clock time fires: none, one or two."""
        first = wall.replace(tzinfo=self._zone).astimezone(UTC)
        second = wall.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
        if first == second:
            return (first,)
        if first < second:  # a repeated time
            return (first,) if self._fixed else (first, second)
        return (self._jump(second, first),) if self._fixed else ()

    def _jump(self, before: datetime, after: datetime) -> datetime:
        """The moment at which the offset changed, between two moments on whole seconds."""
        offset = self._offset(after)
        while after - before > _SECOND:
            middle = before + ((after - before) // 2 // _SECOND) * _SECOND
            if self._offset(middle) == offset:
                after = middle
            else:
                before = middle
        return after

    def _offset(self, moment: datetime) -> timedelta | None:
        return moment.astimezone(self._zone).utcoffset()

    def count(self, start: datetime, end: datetime) -> int:
        total = 0
        while start < end:
            local = start.astimezone(self._zone)
            next_day = self._midnight(local.date() + _DAY)
            stop = min(next_day, end)
            total += self._count_in_day(local, start, stop)
            start = stop
        return total

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self._zone).astimezone(UTC)

    def _count_in_day(self, local: datetime, start: datetime, stop: datetime) -> int:
        if self._fixed and self._offset(start - _SECOND) != self._offset(stop):
            return self._count_one_by_one(start, stop)  # fires may have moved to the gap's end
        if not self._fixed and self._offset(start) != self._offset(stop - _SECOND):
            jump = self._jump(start, stop - _SECOND)
            return self.count(start, jump) + self.count(jump, stop)
        day = local.date()
        if day.month not in self._pattern.months or not self._pattern.match_day(day):
            return 0
        low = (local - datetime(day.year, day.month, day.day, tzinfo=self._zone)).total_seconds()
        high = low + (stop - start).total_seconds()
        return bisect_left(self._seconds_of_day, high) - bisect_left(self._seconds_of_day, low)

    def _count_one_by_one(self, start: datetime, stop: datetime) -> int:
        count, fire = 0, self.next_fire(start - _MICROSECOND)
        while fire is not None and fire < stop:
            count, fire = count + 1, self.next_fire(fire)
        return count
