"""When a trigger fires: the schedule value, its stored form, and the arithmetic of occurrences.

All datetimes are aware UTC. `schedule_parse` makes schedules from what callers send, `catch_up`
decides about the occurrences missed while nobody was looking.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from triggerfish.domain.cron import next_fire
from triggerfish.domain.durations import format_duration, parse_duration
from triggerfish.domain.timestamps import format_rfc3339, parse_rfc3339


@dataclass(frozen=True, slots=True)
class At:
    """Once."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Every:
    """At `start_at` and then after each whole interval: a grid that never drifts."""

    interval: timedelta
    start_at: datetime


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields on a zone's wall clock (see `cron` for daylight saving), from `start_at` on."""

    expression: str
    timezone: str
    start_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rule and its bounds. `end_at` is inclusive; `max_fires` does not count skipped ones."""

    rule: At | Every | Cron
    end_at: datetime | None = None
    max_fires: int | None = None
    jitter_seconds: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the stored form: absolute times only, and itself valid as input."""
        return _rule_to_json(self.rule) | _bounds_to_json(self)

    @staticmethod
    def from_json(stored: dict[str, Any]) -> "Schedule":
        """Read back what `to_json` wrote; anything else is a bug, not an input error."""
        return Schedule(
            _rule_from_json(stored),
            end_at=parse_rfc3339(stored["end_at"]) if "end_at" in stored else None,
            max_fires=stored.get("max_fires"),
            jitter_seconds=stored.get("jitter_seconds", 0),
        )


def first_occurrence(schedule: Schedule, now: datetime) -> datetime | None:
    """Return the first occurrence after `now`, for a schedule that has not fired yet."""
    return next_occurrence(schedule, now)


def next_occurrence(schedule: Schedule, after: datetime, fired: int = 0) -> datetime | None:
    """Return the first occurrence strictly after `after`; None when the schedule is exhausted."""
    if schedule.max_fires is not None and fired >= schedule.max_fires:
        return None
    occurrence = _next_of_rule(schedule.rule, after)
    if occurrence is None or (schedule.end_at is not None and occurrence > schedule.end_at):
        return None
    return occurrence


def occurrences(schedule: Schedule, after: datetime, fired: int = 0) -> Iterator[datetime]:
    """Every occurrence strictly after `after`, without an end if the schedule has none."""
    occurrence = next_occurrence(schedule, after, fired)
    while occurrence is not None:
        yield occurrence
        fired += 1
        occurrence = next_occurrence(schedule, occurrence, fired)


def due(
    schedule: Schedule, next_at: datetime, *, until: datetime, fired: int, limit: int
) -> tuple[list[datetime], datetime | None]:
    """Take the occurrences in [next_at, until], at most `limit`, and the one after the last taken.

    `next_at` is an occurrence (the trigger's cursor); `fired` is how often it fired before. The
    second value is the new cursor: None when exhausted, and due itself if `limit` cut the list.
    """
    taken: list[datetime] = []
    cursor: datetime | None = next_at
    while cursor is not None and cursor <= until and len(taken) < limit:
        taken.append(cursor)
        cursor = next_occurrence(schedule, cursor, fired + len(taken))
    return taken, cursor


def jittered(occurrence: datetime, jitter_seconds: int, seed: str) -> datetime:
    """Delay an occurrence by a whole number of milliseconds in [0, jitter_seconds).

    The same seed (the trigger's id) and occurrence always give the same delay, so a repeated tick
    computes the same time, while triggers that share a schedule spread out.
    """
    if jitter_seconds <= 0:
        return occurrence
    digest = hashlib.sha256(f"{seed}:{format_rfc3339(occurrence)}".encode()).digest()
    return occurrence + timedelta(
        milliseconds=int.from_bytes(digest[:8], "big") % (jitter_seconds * 1000)
    )


def _next_of_rule(rule: At | Every | Cron, after: datetime) -> datetime | None:
    match rule:
        case Every(interval, start_at):
            if after < start_at:
                return start_at
            return start_at + ((after - start_at) // interval + 1) * interval
        case Cron(expression, timezone, start_at):
            if start_at is not None and after < start_at:
                after = start_at - timedelta(microseconds=1)  # a fire at start_at counts
            return next_fire(expression, timezone, after)
        case At(at):
            return at if at > after else None


def _rule_to_json(rule: At | Every | Cron) -> dict[str, Any]:
    match rule:
        case At(at):
            return {"at": format_rfc3339(at)}
        case Every(interval, start_at):
            return {"every": format_duration(interval), "start_at": format_rfc3339(start_at)}
        case Cron(expression, timezone, start_at):
            form = {"cron": expression, "timezone": timezone}
            return form if start_at is None else form | {"start_at": format_rfc3339(start_at)}


def _rule_from_json(stored: dict[str, Any]) -> At | Every | Cron:
    if "at" in stored:
        return At(parse_rfc3339(stored["at"]))
    start_at = parse_rfc3339(stored["start_at"]) if "start_at" in stored else None
    if "cron" in stored:
        return Cron(stored["cron"], stored["timezone"], start_at)
    return Every(parse_duration(stored["every"]), parse_rfc3339(stored["start_at"]))


def _bounds_to_json(schedule: Schedule) -> dict[str, Any]:
    bounds: dict[str, Any] = {}
    if schedule.end_at is not None:
        bounds["end_at"] = format_rfc3339(schedule.end_at)
    if schedule.max_fires is not None:
        bounds["max_fires"] = schedule.max_fires
    if schedule.jitter_seconds:
        bounds["jitter_seconds"] = schedule.jitter_seconds
    return bounds
