"""Cron as people type it: what is accepted means what it says, and what is wrong is named."""

from datetime import timedelta

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clock import utc
from triggerfish.domain.clock_change import clock_change
from triggerfish.domain.cron import count_fires, next_fire, normalise_expression
from triggerfish.domain.cron_fields import FIELDS, Field, day_rule, plain

START = utc("2026-01-01T00:00")


def days(expression: str, count: int) -> list[str]:
    """The days of the first fires, as weekday, day and month."""
    found: list[str] = []
    cursor = START - timedelta(minutes=1)
    while len(found) < count:
        fire = next_fire(normalise_expression(expression), "UTC", cursor)
        assert fire is not None
        cursor = fire
        found.append(f"{cursor:%a %d.%m. %H:%M}")
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 * * FRI-MON", ["Fri 02.01. 00:00", "Sat 03.01. 00:00", "Sun 04.01. 00:00", "Mon 05.01. 00:00", "Fri 09.01. 00:00"]),
        ("0 0 * * 5-1", ["Fri 02.01. 00:00", "Sat 03.01. 00:00", "Sun 04.01. 00:00", "Mon 05.01. 00:00", "Fri 09.01. 00:00"]),
        ("0 0 * * sat-sun", ["Sat 03.01. 00:00", "Sun 04.01. 00:00", "Sat 10.01. 00:00"]),
        ("0 0 * * 7-1", ["Sun 04.01. 00:00", "Mon 05.01. 00:00", "Sun 11.01. 00:00"]),
        ("0 0 * * FRI-MON/2", ["Fri 02.01. 00:00", "Sun 04.01. 00:00", "Fri 09.01. 00:00"]),
        ("30 22-2/2 * * *", ["Thu 01.01. 00:30", "Thu 01.01. 02:30", "Thu 01.01. 22:30", "Fri 02.01. 00:30"]),
        ("50-10/10 5 * * *", ["Thu 01.01. 05:00", "Thu 01.01. 05:10", "Thu 01.01. 05:50"]),
        ("0 0 1 NOV-FEB *", ["Thu 01.01. 00:00", "Sun 01.02. 00:00", "Sun 01.11. 00:00", "Tue 01.12. 00:00"]),
        ("0 0 30-2 * *", ["Thu 01.01. 00:00", "Fri 02.01. 00:00", "Fri 30.01. 00:00", "Sat 31.01. 00:00", "Sun 01.02. 00:00"]),
        ("0 9 ? * MON", ["Mon 05.01. 09:00", "Mon 12.01. 09:00"]),
        ("0 9 15 * ?", ["Thu 15.01. 09:00", "Sun 15.02. 09:00"]),
        ("0 9 ? * ?", ["Thu 01.01. 09:00", "Fri 02.01. 09:00"]),
        ("0 0 13 * FRI", ["Fri 02.01. 00:00", "Fri 09.01. 00:00", "Tue 13.01. 00:00", "Fri 16.01. 00:00"]),
        ("0 0 */2 * MON", ["Mon 05.01. 00:00", "Mon 19.01. 00:00", "Mon 09.02. 00:00"]),
        ("*/60 */24 * * *", ["Thu 01.01. 00:00", "Fri 02.01. 00:00"]),
    ],
)  # fmt: skip
def test_an_accepted_expression_fires_on_these_days(expression, expected):
    assert days(expression, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "field", "part", "way_out"),
    [
        ("61 * * * *", "minute", "61", "0-59"),
        ("* 24 * * *", "hour", "24", "0-23"),
        ("* * 0 * *", "day of month", "0", "1-31"),
        ("* * * 13 *", "month", "13", "JAN-DEC"),
        ("* * * * 8", "day of week", "8", "SUN-SAT"),
        ("*/90 * * * *", "minute", "*/90", '{"every": "90m"}'),
        ("0 */36 * * *", "hour", "*/36", '{"every": "36h"}'),
        ("0 0 */40 * *", "day of month", "*/40", '{"every": "40d"}'),
        ("0 0 1 */13 *", "month", "*/13", "months"),
        ("0 0 * * */8", "day of week", "*/8", "days"),
        ("5/61 * * * *", "minute", "5/61", "every"),
        ("1-9/61 * * * *", "minute", "1-9/61", "every"),
        ("*/0 * * * *", "minute", "*/0", "1 to 60"),
        ("*/x * * * *", "minute", "*/X", "1 to 60"),
        ("*/ * * * *", "minute", "*/", "1 to 60"),
        ("0.5 * * * *", "minute", "0.5", "whole numbers"),
        ("0 */1.5 * * *", "hour", "*/1.5", "whole numbers"),
        ("? * * * *", "minute", "?", "*"),
        ("0 ? * * *", "hour", "?", "*"),
        ("0 0 1 ? *", "month", "?", "*"),
        ("0 0 ?,1 * *", "day of month", "?", "alone"),
        ("0 0 * * MONDAY", "day of week", "MONDAY", "SUN-SAT"),
        ("0 0 1 JANUARY *", "month", "JANUARY", "JAN-DEC"),
        ("0 0 15W * *", "day of month", "15W", "L"),
        ("0 0 * * MON#6", "day of week", "MON#6", "MON#1"),
        ("0 0 * * L", "day of week", "L", "1L"),
        ("1, * * * *", "minute", "", "0-59"),
        ("-1 * * * *", "minute", "-1", "0-59"),
        ("1-2-3 * * * *", "minute", "1-2-3", "0-59"),
        ("0 0 30 2 *", "day of month", "30", "L"),
        ("0 0 31 4,6,SEP-SEP *", "day of month", "31", "L"),
    ],
)
def test_what_is_wrong_names_the_field_the_part_and_the_way_out(expression, field, part, way_out):
    with pytest.raises(ValueError, match=field) as refused:
        normalise_expression(expression)
    said = str(refused.value)
    assert f'"{part}"' in said
    assert way_out in said


def test_every_wrong_field_is_named_at_once():
    with pytest.raises(ValueError, match="minute") as refused:
        normalise_expression("61 24 32 * *")
    assert all(name in str(refused.value) for name in ("minute", "hour", "day of month"))


@pytest.mark.parametrize("text", ["0 9 * * *\n", "\n0 9 * * *", "0 9\n* * *", "0 9 * * *\r\n"])
def test_a_line_break_is_named(text):
    with pytest.raises(ValueError, match="line break"):
        normalise_expression(text)


@pytest.mark.parametrize(
    ("expression", "rule"),
    [
        ("0 0 13 * FRI", "either"),
        ("0 0 L * MON#1", "either"),
        ("0 0 */2 * MON", "both"),
        ("0 0 13 * */2", "both"),
        ("0 0 13 * *", None),
        ("0 0 13 * ?", None),
        ("0 0 ? * FRI", None),
        ("0 0 * * *", None),
    ],
)
def test_the_rule_of_the_two_day_fields_is_told_where_it_matters(expression, rule):
    assert day_rule(expression) == rule


def test_a_clock_change_is_flagged_for_a_range_that_wraps():
    fire = utc("2027-03-28T01:00")
    assert clock_change("30 2-1 * * *", "Europe/Berlin", fire) == "gap"


def test_a_wrapping_range_is_counted_like_it_fires():
    end = START + timedelta(days=28)
    assert count_fires("0 22-2 * * FRI-MON", "UTC", START, end) == 5 * 4 * 4


def ranges(field: Field) -> st.SearchStrategy[str]:
    values = st.integers(field.least, field.most)
    return st.tuples(values, values).map(lambda pair: f"{pair[0]}-{pair[1]}")


@settings(max_examples=200, deadline=None)
@given(st.tuples(*(st.just("*") | ranges(field) for field in FIELDS)))
def test_every_range_means_the_values_from_its_first_around_to_its_last(written):
    """Compared with all values written out, in cronsim's own words."""
    listed = []
    for field, text in zip(FIELDS, written, strict=True):
        first, _, last = text.partition("-")
        values, value = [], int(first) if last else 0
        while last and value != int(last):
            values.append(value)
            value = value + 1 if value < field.most else field.least
        listed.append(",".join(map(str, [*values, int(last)])) if last else "*")
    ours, theirs = (CronSim(one, START) for one in (plain(" ".join(written)), " ".join(listed)))
    for name in ("minutes", "hours", "days", "months"):
        assert getattr(ours, name) == getattr(theirs, name)
    sundays = {7: 0}
    ours_days, theirs_days = (
        {sundays.get(day, day) for day in one.weekdays if isinstance(day, int)}
        for one in (ours, theirs)
    )
    assert ours_days == theirs_days
