"""Cron on the wall clock: what fires when clocks jump, and that nothing is lost or made up."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clock import utc
from triggerfish.domain.cron import count_fires, newest_fire, next_fire
from triggerfish.domain.zones import load_zone

MINUTE = timedelta(minutes=1)


def fires(expression: str, zone: str, start: datetime, count: int) -> list[datetime]:
    found: list[datetime] = []
    cursor: datetime | None = start
    while len(found) < count and cursor is not None:
        cursor = next_fire(expression, zone, cursor)
        found += [cursor] if cursor is not None else []
    return found


def local(moments: list[datetime], zone: str) -> list[str]:
    return [f"{m.astimezone(ZoneInfo(zone)):%m-%d %H:%M%z}" for m in moments]


DST_TABLE = [
    # New York: forward 2026-03-08 02:00 -> 03:00, back 2026-11-01 02:00 -> 01:00
    ("America/New_York", "30 2 * * *", "2026-03-07T05:00", "03-07 02:30-0500 03-08 03:00-0400 03-09 02:30-0400"),
    ("America/New_York", "30 1 * * *", "2026-10-31T05:00", "10-31 01:30-0400 11-01 01:30-0400 11-02 01:30-0500"),
    ("America/New_York", "0 * * * *", "2026-03-08T05:30", "03-08 01:00-0500 03-08 03:00-0400 03-08 04:00-0400"),
    ("America/New_York", "0 * * * *", "2026-11-01T04:30", "11-01 01:00-0400 11-01 01:00-0500 11-01 02:00-0500"),
    ("America/New_York", "*/30 * * * *", "2026-11-01T05:15", "11-01 01:30-0400 11-01 01:00-0500 11-01 01:30-0500 11-01 02:00-0500"),
    ("America/New_York", "*/30 2 * * *", "2026-03-07T08:00", "03-09 02:00-0400 03-09 02:30-0400"),
    ("America/New_York", "0,30 2 * * *", "2026-03-08T06:00", "03-08 03:00-0400 03-09 02:00-0400"),
    ("America/New_York", "30 1 * * *", "2026-11-01T06:10", "11-02 01:30-0500"),  # asked within the repeat
    # London: forward 2026-03-29 01:00 -> 02:00, back 2026-10-25 02:00 -> 01:00
    ("Europe/London", "30 1 * * *", "2026-03-28T12:00", "03-29 02:00+0100 03-30 01:30+0100"),
    ("Europe/London", "30 1 * * *", "2026-10-24T12:00", "10-25 01:30+0100 10-26 01:30+0000"),
    # Berlin: forward 2026-03-29 02:00 -> 03:00, back 2026-10-25 03:00 -> 02:00
    ("Europe/Berlin", "0 2 * * *", "2026-03-28T12:00", "03-29 03:00+0200 03-30 02:00+0200"),
    ("Europe/Berlin", "0 2 * * *", "2026-10-24T12:00", "10-25 02:00+0200 10-26 02:00+0100"),
    # Lord Howe moves by half an hour: forward 2026-10-04 02:00 -> 02:30, back 2026-04-05 02:00 -> 01:30
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T01:00", "10-04 02:30+1100 10-05 02:15+1100"),
    ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T01:00", "04-05 01:45+1100 04-06 01:45+1030"),
    ("Australia/Lord_Howe", "*/5 5 * * *", "2026-04-04T15:15", "04-05 05:00+1030 04-05 05:05+1030"),
    ("Australia/Lord_Howe", "*/15 1 * * *", "2026-04-04T14:40", "04-05 01:45+1100 04-05 01:30+1030 04-05 01:45+1030"),
    # Sao Paulo skipped midnight itself: 2018-11-04 00:00 -> 01:00, and repeated 23:00 on 2018-02-17
    ("America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00", "11-04 01:00-0200 11-05 00:00-0200"),
    ("America/Sao_Paulo", "30 23 * * *", "2018-02-17T12:00", "02-17 23:30-0200 02-18 23:30-0300"),
    # Apia skipped the whole of 2011-12-30
    ("Pacific/Apia", "0 9 * * *", "2011-12-29T12:00", "12-29 09:00-1000 12-31 00:00+1400 12-31 09:00+1400"),
    ("Pacific/Apia", "0 * * * *", "2011-12-30T08:30", "12-29 23:00-1000 12-31 00:00+1400 12-31 01:00+1400"),
    # Casablanca drops to +00 for Ramadan: back 2026-02-15 03:00 -> 02:00, forward 2026-03-22 02:00 -> 03:00
    ("Africa/Casablanca", "30 2 * * *", "2026-02-14T12:00", "02-15 02:30+0100 02-16 02:30+0000"),
    ("Africa/Casablanca", "30 2 * * *", "2026-03-21T12:00", "03-22 03:00+0100 03-23 02:30+0100"),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "expression", "start", "expected"), DST_TABLE)
def test_clock_changes_fire_as_in_the_table(zone, expression, start, expected):
    pairs = expected.split(" ")
    wanted = [" ".join(pair) for pair in zip(pairs[::2], pairs[1::2], strict=True)]
    assert local(fires(expression, zone, utc(start), len(wanted)), zone) == wanted


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-08T05:00", 23), ("2026-11-01T04:00", 25), ("2026-06-01T04:00", 24)]
)
def test_an_hourly_schedule_fires_once_for_each_hour_of_the_day(day, hours):
    start = utc(day)
    end = start + timedelta(hours=hours)
    assert count_fires("0 * * * *", "America/New_York", start, end) == hours
    assert (
        len([f for f in fires("0 * * * *", "America/New_York", start - MINUTE, 30) if f < end])
        == hours
    )


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 29 2 *", ["2028-02-29", "2032-02-29"]),
        ("0 0 31 * *", ["2026-01-31", "2026-03-31", "2026-05-31"]),
        ("0 0 L 2 *", ["2026-02-28", "2027-02-28", "2028-02-29"]),
        ("0 0 13 * 5", ["2026-01-02", "2026-01-09", "2026-01-13"]),  # either, as Debian cron has it
        ("0 0 * * mon#1", ["2026-01-05", "2026-02-02"]),
        ("0 0 1 jan,jul *", ["2026-07-01", "2027-01-01"]),
    ],
)
def test_calendar_rules_fire_on_the_right_days(expression, expected):
    found = fires(expression, "UTC", utc("2026-01-01T00:00"), len(expected))
    assert [f"{f:%Y-%m-%d}" for f in found] == expected


def test_a_leap_day_is_skipped_in_the_year_2100():
    assert next_fire("0 0 29 2 *", "UTC", utc("2096-03-01")) == utc("2104-02-29")


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("*/5 2 * 3 0#2", "America/New_York"),  # only ever inside the gap
        ("0 0 1 1 *", "UTC"),  # nothing left before the end of time
    ],
)
def test_a_pattern_without_a_fire_ends_instead_of_searching_forever(expression, zone):
    start = utc("9998-06-01") if zone == "UTC" else utc("2026-01-01")
    assert next_fire(expression, zone, start) is None


def test_a_fire_in_the_last_year_does_not_overflow():
    assert next_fire("59 23 31 12 *", "Pacific/Pago_Pago", utc("9998-12-31T23:59")) is not None
    assert next_fire("* * * * *", "Pacific/Kiritimati", utc("9999-01-01")) is None


ZONES = ["UTC", *sorted({row[0] for row in DST_TABLE}), "Asia/Kathmandu", "America/St_Johns"]
# Hours on both sides of a clock change of every zone in the table, and ordinary days.
MOMENTS = [
    *(row[2] for row in DST_TABLE),
    "2026-02-15T00:00",
    "2024-02-28T20:00",
    "2025-12-31T22:00",
]
fields = st.tuples(
    st.sampled_from(["*", "*/15", "*/7", "0", "30", "0,30", "45", "5-50/15"]),
    st.sampled_from(["*", "*/2", "0", "1", "2", "0-3", "1,2,3", "23", "5"]),
).map(lambda parts: f"{parts[0]} {parts[1]} * * *")
moments = st.builds(
    lambda base, minutes, micros: utc(base) + timedelta(minutes=minutes, microseconds=micros),
    st.sampled_from(MOMENTS),
    st.integers(-2880, 2880),
    st.sampled_from([0, 1, 30_000_000, 59_999_999]),
)


def numbers(field: str, top: int) -> set[int]:
    """An independent reading of the few cron forms used here."""
    found: set[int] = set()
    for term in field.split(","):
        span, _, step = term.partition("/")
        low, _, high = ("0", "-", str(top)) if span == "*" else span.partition("-")
        found |= set(range(int(low), int(high or low) + 1, int(step or 1)))
    return found


def by_brute_force(expression: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """Look at every minute of [start, end) and, for fixed times, note those the clock jumped over."""
    minutes, hours = (numbers(f, top) for f, top in zip(expression.split(), (59, 23), strict=False))
    fixed = not any(field.startswith("*") for field in expression.split()[:2])
    found: list[datetime] = []
    shown = set[datetime]()  # wall-clock times already passed
    moment = start.replace(second=0, microsecond=0) - timedelta(hours=4)
    before = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    while moment < end:
        wall = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
        passed = [wall]
        if fixed:  # minutes jumped over count for the minute after the jump
            passed = [before + MINUTE * n for n in range(1, (wall - before) // MINUTE + 1)] or [
                wall
            ]
        wanted = any(
            w.minute in minutes and w.hour in hours and not (fixed and w in shown) for w in passed
        )
        if wanted and moment >= start:
            found.append(moment)
        shown.update(passed)
        before, moment = wall, moment + MINUTE
    return found


@settings(max_examples=150, deadline=None)
@given(expression=fields, zone=st.sampled_from(ZONES), start=moments)
def test_stepping_finds_exactly_what_a_look_at_every_minute_finds(expression, zone, start):
    end = start + timedelta(hours=30)
    stepped, cursor = [], next_fire(expression, zone, start - timedelta(microseconds=1))
    while cursor is not None and cursor < end:
        stepped.append(cursor)
        cursor = next_fire(expression, zone, cursor)
    expected = by_brute_force(expression, zone, start, end)
    assert stepped == expected
    assert count_fires(expression, zone, start, end) == len(expected)
    if expected:
        assert newest_fire(expression, zone, expected[0], end) == expected[-1]


@settings(max_examples=150, deadline=None)
@given(
    expression=fields,
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
    days=st.integers(0, 300),
)
def test_the_next_fire_is_cronsims_away_from_clock_changes(expression, zone, days):
    start = utc("2026-04-01T10:17") + timedelta(days=days % 200)  # summer time throughout
    expected = next(CronSim(expression, start.astimezone(ZoneInfo(zone))))
    assert next_fire(expression, zone, start) == expected


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "Nowhere/City", "Europe", "../../etc/passwd", "/etc/passwd", "Europe/../UTC", "UTC\x00",
     "right/UTC", "posix/UTC", "posixrules", "localtime", "europe/\u212aiev", "A" * 5000, "UTC\n", "-1"],
)  # fmt: skip
def test_what_is_not_an_iana_zone_is_refused(name):
    with pytest.raises(ValueError, match="IANA"):
        load_zone(name)


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "Etc/GMT+5", "America/Argentina/Buenos_Aires"]
)
def test_iana_zones_are_loaded(name):
    assert load_zone(name).key == name
