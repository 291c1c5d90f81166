"""The fires to come, of a trigger or of a schedule that nobody has saved yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from triggerfish.domain.clock_change import ClockChange, clock_change
from triggerfish.domain.cron_fields import DayRule, day_rule
from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.field_names import unknown_fields
from triggerfish.domain.schedule import Cron, Schedule, jittered, occurrences
from triggerfish.domain.schedule_parse import FIELDS as SCHEDULE_FIELDS
from triggerfish.domain.schedule_parse import parse_schedule
from triggerfish.domain.trigger_change import Standing
from triggerfish.domain.whole_number import whole_number
from triggerfish.domain.zones import load_zone

DEFAULT_COUNT, MAX_COUNT = 10, 100
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class UpcomingFire:
    """One fire to come: `at` in UTC, `local` the same instant in the schedule's zone."""

    at: datetime
    local: datetime
    timezone: str
    dst: ClockChange | None


@dataclass(frozen=True, slots=True)
class Upcoming:
    """Fires to come, soonest first, and how a cron's two day fields led to them."""

    fires: list[UpcomingFire]
    day_rule: DayRule | None


def upcoming(schedule: Schedule | None, fires: list[UpcomingFire]) -> Upcoming:
    """A schedule's fires with its day rule, if it is a cron that has one."""
    rule = schedule.rule if schedule else None
    return Upcoming(fires, day_rule(rule.expression) if isinstance(rule, Cron) else None)


def next_fires(standing: Standing, *, now: datetime, count: int) -> list[UpcomingFire]:
    """The trigger's next fires as they will be, with their jitter; none unless it fires."""
    trigger, schedule = standing.trigger, standing.trigger.revision.definition.schedule
    if schedule is None or standing.occurrence_at is None:
        return []
    # A cursor in the past waits for the tick; what it makes up is not a fire to come.
    jitter = timedelta(seconds=schedule.jitter_seconds)
    after = max(standing.occurrence_at - _MICROSECOND, now - jitter)
    coming = (
        _fire(schedule, occurrence, at)
        for occurrence in occurrences(schedule, after, trigger.fired_count)
        if (at := jittered(occurrence, schedule.jitter_seconds, str(trigger.id))) > now
    )
    return _earliest(coming, count)


def preview(schedule: Schedule, *, now: datetime, count: int) -> list[UpcomingFire]:
    """A schedule's first fires, before any jitter: that depends on the trigger's id."""
    coming = (_fire(schedule, at, at) for at in occurrences(schedule, now))
    return _earliest(coming, count)


def parse_preview(raw: object, *, now: datetime) -> tuple[Schedule, int]:
    """Read `{"schedule": {…}, "count": 10}`. Raises InvalidInput naming every wrong field."""
    if not isinstance(raw, dict):
        raise _invalid([FieldError("body", "must be an object")])
    known = {"schedule", "count", *(f"schedule.{name}" for name in SCHEDULE_FIELDS)}
    problems = unknown_fields(raw, known, of="a preview")
    count = whole_number(raw.get("count", DEFAULT_COUNT), 1, MAX_COUNT)
    if count is None:
        problems.append(FieldError("count", f"must be a whole number from 1 to {MAX_COUNT}"))
    try:
        schedule = parse_schedule(raw.get("schedule"), now=now)
    except InvalidInput as invalid:
        raise _invalid([*problems, *invalid.details]) from invalid
    if problems or count is None:
        raise _invalid(problems)
    return schedule, count


def _fire(schedule: Schedule, occurrence: datetime, at: datetime) -> UpcomingFire:
    rule = schedule.rule
    if not isinstance(rule, Cron):
        return UpcomingFire(at, at, "UTC", None)
    change = clock_change(rule.expression, rule.timezone, occurrence)
    return UpcomingFire(at, at.astimezone(load_zone(rule.timezone)), rule.timezone, change)


def _earliest(coming: Iterable[UpcomingFire], count: int) -> list[UpcomingFire]:
    return sorted(islice(coming, count), key=lambda fire: fire.at)


def _invalid(details: list[FieldError]) -> InvalidInput:
    return InvalidInput("The preview is not valid.", details)
