"""Schedules as customers write them: what is accepted, what is refused, what is stored."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clock import utc
from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.schedule import (
    At,
    Schedule,
    first_occurrence,
    next_occurrence,
)
from triggerfish.domain.schedule_parse import parse_schedule

NOW = utc("2026-03-01T12:00")


@pytest.mark.parametrize(
    ("raw", "first"),
    [
        ({"at": "2026-03-02T10:00:00+01:00"}, "2026-03-02T09:00"),
        ({"at": "2026-03-01t12:00:00.5z"}, "2026-03-01T12:00:00.5"),
        ({"at": "2099-01-01T00:00:00Z"}, "2099-01-01"),
        ({"in": "5s"}, "2026-03-01T12:00:05"),
        ({"in": "10m"}, "2026-03-01T12:10"),
        ({"in": "PT10M"}, "2026-03-01T12:10"),
        ({"in": "1h30m"}, "2026-03-01T13:30"),
        ({"in": "P1DT2H"}, "2026-03-02T14:00"),
        ({"in": "1.5s"}, "2026-03-01T12:00:01.5"),
        ({"every": "30m"}, "2026-03-01T12:30"),
        ({"every": "PT30M", "start_at": "2026-03-01T11:55:00Z"}, "2026-03-01T12:25"),
        ({"every": "30m", "start_at": "2026-04-01T00:00:00Z"}, "2026-04-01T00:00"),
        ({"cron": "0 9 * * *"}, "2026-03-02T09:00"),
        ({"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin"}, "2026-03-02T08:00"),
        ({"cron": "0 9 * * *", "start_at": "2026-04-01T09:00:00Z"}, "2026-04-01T09:00"),
        ({"cron": "@hourly"}, "2026-03-01T13:00"),
        ({"cron": "  0   9 * *\t* "}, "2026-03-02T09:00"),
        ({"interval": 30, "unit": "minutes", "is_recurring": True}, "2026-03-01T12:30"),
        ({"interval": 2, "unit": "days", "is_recurring": False}, "2026-03-03T12:00"),
        ({"every": "1h", "end_at": None, "timezone": None, "at": None}, "2026-03-01T13:00"),
    ],
)
def test_an_accepted_schedule_fires_first_when_it_says(raw, first):
    assert first_occurrence(parse_schedule(raw, now=NOW), NOW) == utc(first)


def test_an_interval_that_is_not_recurring_is_a_one_shot():
    once = parse_schedule({"interval": 1, "unit": "hours", "is_recurring": False}, now=NOW)
    assert once == Schedule(At(utc("2026-03-01T13:00")))
    assert next_occurrence(once, utc("2026-03-01T13:00")) is None


BAD: list[tuple[Any, str]] = [
    (None, "schedule"),
    ([], "schedule"),
    ("10m", "schedule"),
    ({}, "schedule"),
    ({"timezone": "UTC"}, "schedule"),
    ({"at": None}, "schedule"),
    ({"in": "5s", "every": "5s"}, "schedule"),
    ({"every": "5s", "surprise": 1}, "schedule.surprise"),
    ({"every": "5s", "surprise": None}, "schedule.surprise"),
    ({"at": "2026-03-01T12:00:00Z"}, "schedule.at"),
    ({"at": "2020-01-01T00:00:00Z"}, "schedule.at"),
    ({"at": "2027-01-01T00:00:00"}, "schedule.at"),
    ({"at": "2027-01-01"}, "schedule.at"),
    ({"at": "2027-W01-1T00:00:00Z"}, "schedule.at"),
    ({"at": "2027-02-30T00:00:00Z"}, "schedule.at"),
    ({"at": "2027-01-01T00:00:60Z"}, "schedule.at"),
    ({"at": "2027-01-01T24:00:00Z"}, "schedule.at"),
    ({"at": "2027-01-01T00:00:00+25:00"}, "schedule.at"),
    ({"at": "9999-12-31T23:59:59-10:00"}, "schedule.at"),
    ({"at": "0001-01-01T00:00:00+23:00"}, "schedule.at"),
    ({"at": "\u0662027-01-01T00:00:00Z"}, "schedule.at"),
    ({"at": 1_900_000_000}, "schedule.at"),
    ({"at": True}, "schedule.at"),
    ({"at": "2027-01-01T00:00:00Z", "max_fires": 2}, "schedule.max_fires"),
    ({"at": "2027-01-01T00:00:00Z", "timezone": "UTC"}, "schedule.timezone"),
    ({"in": "0s"}, "schedule.in"),
    ({"in": "-5s"}, "schedule.in"),
    ({"in": ""}, "schedule.in"),
    ({"in": "P"}, "schedule.in"),
    ({"in": "PT"}, "schedule.in"),
    ({"in": "P1DT"}, "schedule.in"),
    ({"in": "P1M"}, "schedule.in"),
    ({"in": "10"}, "schedule.in"),
    ({"in": "5s5m"}, "schedule.in"),
    ({"in": "5S"}, "schedule.in"),
    ({"in": "5s\n"}, "schedule.in"),
    ({"in": "999999999w"}, "schedule.in"),
    ({"in": "9" * 5000 + "s"}, "schedule.in"),
    ({"in": "4000d"}, "schedule.in"),
    ({"in": 10}, "schedule.in"),
    ({"in": True}, "schedule.in"),
    ({"in": float("nan")}, "schedule.in"),
    ({"in": {"seconds": 5}}, "schedule.in"),
    ({"every": "0.999s"}, "schedule.every"),
    ({"every": "0s"}, "schedule.every"),
    ({"every": "11y"}, "schedule.every"),
    ({"every": "5s", "max_fires": 0}, "schedule.max_fires"),
    ({"every": "5s", "max_fires": True}, "schedule.max_fires"),
    ({"every": "5s", "max_fires": 1.5}, "schedule.max_fires"),
    ({"every": "5s", "max_fires": float("inf")}, "schedule.max_fires"),
    ({"every": "5s", "max_fires": 10**100}, "schedule.max_fires"),
    ({"every": "5s", "jitter_seconds": -1}, "schedule.jitter_seconds"),
    ({"every": "5s", "jitter_seconds": 6}, "schedule.jitter_seconds"),
    ({"every": "5s", "jitter_seconds": 10**100}, "schedule.jitter_seconds"),
    ({"every": "5s", "jitter_seconds": "1"}, "schedule.jitter_seconds"),
    ({"cron": "0 9 * * *", "jitter_seconds": 3601}, "schedule.jitter_seconds"),
    ({"every": "5s", "start_at": "soon"}, "schedule.start_at"),
    ({"every": "5s", "end_at": "2026-01-01T00:00:00Z"}, "schedule.end_at"),
    ({"every": "5s", "end_at": "2026-03-01T12:00:04Z"}, "schedule.end_at"),
    ({"every": "5s", "start_at": "2027-01-02T00:00:00Z", "end_at": "2027-01-01T00:00:00Z"}, "schedule.end_at"),
    ({"cron": "0 9 * * *", "end_at": "2026-03-01T13:00:00Z"}, "schedule.cron"),
    ({"every": "1h", "start_at": "2026-03-01T11:30:00Z", "end_at": "2026-03-01T12:15:00Z"}, "schedule.every"),
    ({"cron": ""}, "schedule.cron"),
    ({"cron": "every day"}, "schedule.cron"),
    ({"cron": "* * * *"}, "schedule.cron"),
    ({"cron": "* * * * * *"}, "schedule.cron"),
    ({"cron": "60 * * * *"}, "schedule.cron"),
    ({"cron": "*/0 * * * *"}, "schedule.cron"),
    ({"cron": "*/90 * * * *"}, "schedule.cron"),
    ({"cron": "0 9 * * *\n"}, "schedule.cron"),
    ({"cron": "0 9\r\n* * *"}, "schedule.cron"),
    ({"cron": "0 ? * * *"}, "schedule.cron"),
    ({"cron": "0 0 30 2 ?"}, "schedule.cron"),
    ({"cron": "0 0 30 2 *"}, "schedule.cron"),
    ({"cron": "0 0 31 4,6,9,11 *"}, "schedule.cron"),
    ({"cron": "0 0 * * FUNDAY"}, "schedule.cron"),
    ({"cron": "0 0 * * \u017fun"}, "schedule.cron"),
    ({"cron": "\u0660 0 * * *"}, "schedule.cron"),
    ({"cron": "@reboot"}, "schedule.cron"),
    ({"cron": "0 0 * * *\x00"}, "schedule.cron"),
    ({"cron": ",".join(["1"] * 200) + " * * * *"}, "schedule.cron"),
    ({"cron": ["*"] * 5}, "schedule.cron"),
    ({"cron": "*/5 2 * 3 0#2", "timezone": "America/New_York"}, "schedule.cron"),
    ({"cron": "0 9 * * *", "timezone": ""}, "schedule.timezone"),
    ({"cron": "0 9 * * *", "timezone": "../../etc/passwd"}, "schedule.timezone"),
    ({"cron": "0 9 * * *", "timezone": "/etc/localtime"}, "schedule.timezone"),
    ({"cron": "0 9 * * *", "timezone": "Mars/Olympus"}, "schedule.timezone"),
    ({"cron": "0 9 * * *", "timezone": "Z" * 10_000}, "schedule.timezone"),
    ({"cron": "0 9 * * *", "timezone": 1}, "schedule.timezone"),
    ({"cron": "0 9 * * *", "unit": "minutes"}, "schedule.unit"),
    ({"interval": 5, "unit": "fortnights", "is_recurring": True}, "schedule.unit"),
    ({"interval": 5, "unit": ["minutes"], "is_recurring": True}, "schedule.unit"),
    ({"interval": 5, "is_recurring": True}, "schedule.unit"),
    ({"interval": 5, "unit": "minutes"}, "schedule.is_recurring"),
    ({"interval": 5, "unit": "minutes", "is_recurring": 1}, "schedule.is_recurring"),
    ({"interval": True, "unit": "minutes", "is_recurring": True}, "schedule.interval"),
    ({"interval": 0, "unit": "minutes", "is_recurring": True}, "schedule.interval"),
    ({"interval": 10**100, "unit": "days", "is_recurring": True}, "schedule.interval"),
    ({"interval": 5, "unit": "minutes", "is_recurring": False, "end_at": "2027-01-01T00:00:00Z"}, "schedule.end_at"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "field"), BAD)
def test_a_bad_schedule_is_refused_naming_the_one_wrong_field(raw, field):
    with pytest.raises(InvalidInput) as refused:
        parse_schedule(raw, now=NOW)
    assert [detail.field for detail in refused.value.details] == [field]
    assert refused.value.details[0].message


def test_all_wrong_fields_are_named_at_once():
    raw = {"cron": "nope", "timezone": "nowhere", "max_fires": "x", "end_at": 5, "colour": "red"}
    with pytest.raises(InvalidInput) as refused:
        parse_schedule(raw, now=NOW)
    named = {detail.field for detail in refused.value.details}
    assert named == {f"schedule.{name}" for name in raw}


def test_a_thousand_unknown_fields_are_not_all_repeated():
    with pytest.raises(InvalidInput) as refused:
        parse_schedule({"every": "5s"} | {"x" * 1000 + str(n): 1 for n in range(1000)}, now=NOW)
    assert len(refused.value.details) <= 10
    assert all(len(detail.field) < 100 for detail in refused.value.details)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=5,
)
names = st.sampled_from(
    ["at", "in", "every", "cron", "timezone", "interval", "unit", "is_recurring", "start_at", "end_at",
     "max_fires", "jitter_seconds", "other"]
)  # fmt: skip
likely = st.sampled_from(
    [
        "5s",
        "PT10M",
        "0 9 * * *",
        "* * 29 2 *",
        "UTC",
        "minutes",
        "2030-01-01T00:00:00Z",
        1,
        60,
        True,
        False,
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(names, likely | json_values, max_size=5))
def test_any_input_is_either_refused_or_makes_a_schedule_that_will_fire(raw):
    try:
        schedule = parse_schedule(raw, now=NOW)
    except InvalidInput:
        return
    first = first_occurrence(schedule, NOW)
    assert first is not None
    assert first > NOW
    assert Schedule.from_json(schedule.to_json()) == schedule
    assert parse_schedule(schedule.to_json(), now=NOW) == schedule


def test_the_stored_form_has_absolute_times_only():
    raw = {
        "every": "PT90M",
        "end_at": "2027-01-01T01:00:00+01:00",
        "max_fires": 9,
        "jitter_seconds": 3,
    }
    assert parse_schedule(raw, now=NOW).to_json() == {
        "every": "1h30m",
        "start_at": "2026-03-01T13:30:00Z",
        "end_at": "2027-01-01T00:00:00Z",
        "max_fires": 9,
        "jitter_seconds": 3,
    }
    assert parse_schedule({"in": "10m"}, now=NOW).to_json() == {"at": "2026-03-01T12:10:00Z"}
    assert parse_schedule({"cron": "@daily"}, now=NOW).to_json() == {
        "cron": "0 0 * * *",
        "timezone": "UTC",
    }
