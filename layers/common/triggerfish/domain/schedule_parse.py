"""From what a caller sends as `schedule` to a Schedule, or to every field that is wrong with it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from triggerfish.domain.cron import normalise_expression
from triggerfish.domain.durations import MAX_DURATION, parse_duration
from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.field_names import REQUIRED, unknown_fields
from triggerfish.domain.schedule import At, Cron, Every, Schedule, first_occurrence
from triggerfish.domain.timestamps import NOT_A_TIME, parse_rfc3339
from triggerfish.domain.whole_number import whole_number
from triggerfish.domain.zones import load_zone, unknown_zone

MIN_INTERVAL = timedelta(seconds=1)
MAX_FIRES = 1_000_000_000
MAX_JITTER_SECONDS = 3600

_KINDS = ("at", "in", "every", "cron", "interval")
_BOUNDS = ("start_at", "end_at", "max_fires", "jitter_seconds")
_EXTRAS = {"cron": ("timezone",), "interval": ("unit", "is_recurring")}
FIELDS = {*_KINDS, *_BOUNDS, "timezone", "unit", "is_recurring"}
UNITS = {
    "seconds": timedelta(seconds=1),
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
}
T = TypeVar("T")


def parse_schedule(raw: object, *, now: datetime) -> Schedule:
    """Make a Schedule of exactly one of these, with null meaning absent:

    - `{"at": RFC 3339 with offset}`, `{"in": "10m" | "PT10M"}`: once, in the future;
    - `{"every": "30m" | "PT30M"}`, `{"cron": "...", "timezone": "UTC"}`: again and again, with
      optional `start_at`, `end_at`, `max_fires` and `jitter_seconds`. Without `start_at`, `every`
      first fires one interval after `now`;
    - `{"interval": 30, "unit": "minutes", "is_recurring": bool}`: the same as `every` or `in`.

    Raises InvalidInput naming all wrong fields found (`schedule.cron`, ...).
    """
    if not isinstance(raw, Mapping):
        message = REQUIRED if raw is None else 'must be an object such as {"every": "1h"}'
        raise _invalid([FieldError("schedule", message)])
    return _Parser(raw, now).parse()


def _invalid(errors: list[FieldError]) -> InvalidInput:
    return InvalidInput("The schedule is not valid.", errors)


class _Parser:
    """One parse: reads fields, collecting what is wrong instead of stopping at the first."""

    def __init__(self, raw: Mapping[object, object], now: datetime) -> None:
        self._raw = {name: value for name, value in raw.items() if value is not None}
        self._now = now
        self._errors = unknown_fields(raw, FIELDS, of="a schedule", within="schedule")

    def parse(self) -> Schedule:
        kind = self._kind()
        if kind is not None:
            self._check_extras(kind)
            schedule = self._schedule(kind)
            if not self._errors and schedule is not None:
                self._check_can_fire(schedule, kind)
            if not self._errors and schedule is not None:
                return schedule
        raise _invalid(self._errors)

    def _wrong(self, field: str, message: str) -> None:
        self._errors.append(FieldError(f"schedule.{field}" if field else "schedule", message))

    def _kind(self) -> str | None:
        given = [kind for kind in _KINDS if kind in self._raw]
        if len(given) == 1:
            return given[0]
        said = f", not {' and '.join(given)} together" if given else ""
        self._wrong("", f'must have exactly one of "at", "in", "every", "cron", "interval"{said}')
        return None

    def _check_extras(self, kind: str) -> None:
        allowed = (kind, *_EXTRAS.get(kind, ()), *(_BOUNDS if self._is_recurring(kind) else ()))
        for name in self._raw:
            if name in FIELDS and name not in allowed:
                why = "only a recurring schedule has it" if name in _BOUNDS else "remove it"
                self._wrong(str(name), f'does not go with "{kind}": {why}')

    def _is_recurring(self, kind: str) -> bool:
        if kind == "interval":
            return self._raw.get("is_recurring") is not False
        return kind in ("every", "cron")

    def _schedule(self, kind: str) -> Schedule | None:
        if not self._is_recurring(kind):
            at = self._at() if kind == "at" else self._after_wait(kind)
            return None if at is None else Schedule(At(at))
        start_at, end_at = self._moment("start_at"), self._moment("end_at")
        rule = self._cron(start_at) if kind == "cron" else self._every(kind, start_at)
        max_fires = self._whole("max_fires", 1, MAX_FIRES)
        jitter_seconds = self._whole("jitter_seconds", 0, MAX_JITTER_SECONDS) or 0
        if isinstance(rule, Every) and timedelta(seconds=jitter_seconds) > rule.interval:
            self._wrong("jitter_seconds", "must not be longer than the interval")
        return None if rule is None else Schedule(rule, end_at, max_fires, jitter_seconds)

    def _at(self) -> datetime | None:
        at = self._moment("at")
        if at is not None and at <= self._now:
            self._wrong("at", "must be in the future")
        return at

    def _after_wait(self, kind: str) -> datetime | None:
        wait = self._interval() if kind == "interval" else self._duration("in")
        if wait is not None and wait <= timedelta(0):
            self._wrong(kind, "must be more than zero")
        return None if wait is None else self._now + wait

    def _every(self, kind: str, start_at: datetime | None) -> Every | None:
        interval = self._interval() if kind == "interval" else self._duration("every")
        if interval is None:
            return None
        if interval < MIN_INTERVAL:
            self._wrong(kind, "must be at least one second")
            return None
        return Every(interval, start_at or self._now + interval)

    def _cron(self, start_at: datetime | None) -> Cron | None:
        expression = self._text("cron", normalise_expression)
        timezone = self._zone() if "timezone" in self._raw else "UTC"
        if expression is None or timezone is None:
            return None
        return Cron(expression, timezone, start_at)

    def _zone(self) -> str | None:
        return self._text("timezone", _known_zone)

    def _interval(self) -> timedelta | None:
        unit = self._raw.get("unit")
        if not isinstance(unit, str) or unit not in UNITS:
            self._wrong("unit", _or_required(unit, f"must be one of {', '.join(UNITS)}"))
        again = self._raw.get("is_recurring")
        if not isinstance(again, bool):
            self._wrong(
                "is_recurring", _or_required(again, "must be true (repeat) or false (once)")
            )
        step = UNITS.get(unit, timedelta(seconds=1)) if isinstance(unit, str) else MIN_INTERVAL
        count = self._whole("interval", 1, MAX_DURATION // step)
        return None if count is None else count * step

    def _moment(self, field: str) -> datetime | None:
        return self._text(field, parse_rfc3339, NOT_A_TIME)

    def _duration(self, field: str) -> timedelta | None:
        return self._text(field, parse_duration, 'must be a duration such as "90s" or "1h30m"')

    def _text(
        self, field: str, read: Callable[[str], T], no_text: str = "must be a text"
    ) -> T | None:
        """Read a text field; `read`'s ValueError is the message, `no_text` is for another type."""
        value = self._raw.get(field)
        if value is None:
            return None
        if not isinstance(value, str):
            self._wrong(field, no_text)
            return None
        try:
            return read(value)
        except ValueError as error:
            self._wrong(field, str(error))
            return None

    def _whole(self, field: str, least: int, most: int) -> int | None:
        value = self._raw.get(field)
        if value is None:
            return None
        number = whole_number(value, least, most)
        if number is None:
            self._wrong(field, f"must be a whole number from {least} to {most}")
        return number

    def _check_can_fire(self, schedule: Schedule, kind: str) -> None:
        start_at = None if isinstance(schedule.rule, At) else schedule.rule.start_at
        if schedule.end_at is not None and schedule.end_at <= self._now:
            self._wrong("end_at", "must be in the future")
        elif schedule.end_at is not None and start_at is not None and schedule.end_at < start_at:
            said = "start_at" if "start_at" in self._raw else "the first occurrence"
            self._wrong("end_at", f"must not be before {said}")
        elif first_occurrence(schedule, self._now) is None:
            before_end = "before end_at " if schedule.end_at else ""
            self._wrong(kind, f"never fires {before_end}on any date to come")


def _or_required(value: object, message: str) -> str:
    return REQUIRED if value is None else message


def _known_zone(name: str) -> str:
    try:
        load_zone(name)
    except ValueError:
        raise ValueError(unknown_zone(name)) from None
    return name
