"""Schedules: the forms that may be sent, the one that is shown, and fires to come."""

from triggerfish.domain.durations import MAX_DURATION
from triggerfish.domain.schedule_parse import FIELDS, MAX_FIRES, MAX_JITTER_SECONDS, UNITS
from triggerfish.domain.upcoming import DEFAULT_COUNT, MAX_COUNT
from triggerfish.edge.openapi.operation import Answer, Body, operation
from triggerfish.edge.openapi.schema import (
    TIME,
    Schema,
    closed,
    described,
    list_of,
    nullable,
    one_of,
    ref,
)

TAG = "Schedules"
TIME_SPAN: Schema = {
    "type": "string",
    "format": "time-span",
    "pattern": (
        r"^(?=.)([0-9]{1,9}w)?([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?"
        r"([0-9]{1,9}(\.[0-9]{1,3})?s)?$"
        r"|^P(?=.)([0-9]{1,9}W)?([0-9]{1,9}D)?(T(?=.)([0-9]{1,9}H)?([0-9]{1,9}M)?"
        r"([0-9]{1,9}(\.[0-9]{1,3})?S)?)?$"
    ),
    "description": "`1h30m`, `1.5s`, or ISO 8601 (`PT10M`); more than zero, at most ten years.",
}
_CRON: Schema = {
    "type": "string",
    "format": "cron",
    "description": (
        "Minute, hour, day of month, month, day of week; or `@daily` and its like. Ranges may wrap"
        " (`FRI-MON`), `?` is `*` in a day field. If both day fields restrict, either day fires,"
        " unless one begins with `*` (`*/2`): then it must be both."
    ),
}
_ZONE: Schema = {"type": "string", "format": "iana-time-zone"}
_FIRES: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_FIRES}
_JITTER: Schema = {
    "type": "integer",
    "minimum": 0,
    "maximum": MAX_JITTER_SECONDS,
    "description": "Each firing is delayed by its own share of it, at most the interval.",
}
_BOUNDS: dict[str, Schema] = {
    "start_at": nullable(TIME),
    "end_at": nullable(described(TIME, "In the future, and not before the first firing.")),
    "max_fires": nullable(_FIRES),
    "jitter_seconds": nullable(_JITTER),
}
_FUTURE = described(TIME, "In the future, with an offset.")


def _form(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """One form of a schedule; the other forms' fields may be there as null."""
    others = sorted(FIELDS - required.keys() - (optional or {}).keys())
    absent = {f"^({'|'.join(others)})$": {"type": "null"}}
    return closed(required, optional, patternProperties=absent)


def _interval(*, recurring: bool) -> dict[str, Schema]:
    most = MAX_DURATION.days * 24 * 3600  # in seconds; fewer of a longer unit
    return {
        "interval": {"type": "integer", "minimum": 1, "maximum": most},
        "unit": one_of(*UNITS),
        "is_recurring": {"const": recurring},
    }


SCHEMAS: dict[str, Schema] = {
    "NewSchedule": {
        "description": "Exactly one form. A field that is null counts as absent.",
        "oneOf": [
            ref(f"New{name}")
            for name in ("Moment", "Wait", "Rhythm", "Cron", "IntervalRhythm", "IntervalWait")
        ],
    },
    "NewMoment": _form({"at": _FUTURE}),
    "NewWait": _form({"in": TIME_SPAN}),
    "NewRhythm": _form(
        {"every": described(TIME_SPAN, "As `in`, and at least one second.")}, _BOUNDS
    ),
    "NewCron": _form({"cron": _CRON}, {"timezone": nullable(_ZONE), **_BOUNDS}),
    "NewIntervalRhythm": _form(_interval(recurring=True), _BOUNDS),
    "NewIntervalWait": _form(_interval(recurring=False)),
    "Schedule": {
        "description": "In absolute times, and itself valid as input.",
        "oneOf": [
            closed({"at": TIME}),
            closed(
                {"every": TIME_SPAN, "start_at": TIME},
                _shown := {"end_at": TIME, "max_fires": _FIRES, "jitter_seconds": _JITTER},
            ),
            closed({"cron": _CRON, "timezone": _ZONE}, {"start_at": TIME, **_shown}),
        ],
    },
    "SchedulePreview": closed(
        {"schedule": ref("NewSchedule")},
        {
            "count": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_COUNT,
                "default": DEFAULT_COUNT,
            }
        },
    ),
    "UpcomingFires": closed(
        {
            "data": list_of(
                closed(
                    {
                        "at": described(TIME, "UTC."),
                        "local": described(TIME, "On the clock of the schedule's zone."),
                        "timezone": {"type": "string"},
                        "dst": described(
                            nullable(one_of("gap", "fold")),
                            "`gap`: the wall-clock time does not exist that day;"
                            " `fold`: it comes twice.",
                        ),
                    }
                )
            ),
            "day_rule": described(
                nullable(one_of("either", "both")),
                "Where a cron expression restricts the day of month and the day of week: whether"
                " either day fires, or only one that is both.",
            ),
        }
    ),
}

CRON = {"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin"}
WRONG_CRON = {"schedule.cron": 'minute: "61" is beyond the field; use 0-59'}
FIRES = {
    "data": [
        {
            "at": "2027-03-28T01:00:00Z",
            "local": "2027-03-28T03:00:00+02:00",
            "timezone": "Europe/Berlin",
            "dst": "gap",
        },
        {
            "at": "2027-03-29T00:30:00Z",
            "local": "2027-03-29T02:30:00+02:00",
            "timezone": "Europe/Berlin",
            "dst": None,
        },
    ],
    "day_rule": None,
}

preview = operation(
    "previewSchedule",
    TAG,
    "Show the first fires of a schedule that is not saved",
    {200: Answer("Soonest first, without jitter.", ref("UpcomingFires"), {"Two fires": FIRES})},
    body=Body(
        ref("SchedulePreview"),
        {
            "By cron over a clock change": {
                "schedule": {
                    "cron": "30 2 * * *",
                    "timezone": "Europe/Berlin",
                    "start_at": "2027-03-27T12:00:00Z",
                },
                "count": 2,
            },
            "Once": {"schedule": {"at": "2030-01-31T09:00:00+01:00"}},
            "Once after a wait": {"schedule": {"in": "10m"}},
            "At intervals": {"schedule": {"every": "PT30M", "max_fires": 10}},
            "By interval and unit": {
                "schedule": {"interval": 30, "unit": "minutes", "is_recurring": True}
            },
        },
        "The preview is not valid.",
        WRONG_CRON,
    ),
)
