"""Fires to come: the same that the tick will find, in both clocks, and which meet a clock change."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.schedule import Cron, Every, Schedule
from triggerfish.domain.upcoming import parse_preview, preview

# zone, expression, asked at (UTC), then each fire as the zone's clock shows it, with its flag
CLOCK_CHANGES = [
    ("Europe/Berlin", "30 2 * * *", "2026-03-28T12:00", "03-29 03:00+0200 gap, 03-30 02:30+0200"),
    ("Europe/Berlin", "0 3 * * *", "2026-03-28T12:00", "03-29 03:00+0200, 03-30 03:00+0200"),
    ("Europe/Berlin", "0 2,3 * * *", "2026-03-28T12:00", "03-29 03:00+0200 gap, 03-30 02:00+0200"),
    ("Europe/Berlin", "59 1 * * *", "2026-03-28T12:00", "03-29 01:59+0100, 03-30 01:59+0200"),
    ("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00", "10-25 02:30+0200 fold, 10-26 02:30+0100"),
    ("Europe/Berlin", "0 3 * * *", "2026-10-24T12:00", "10-25 03:00+0100, 10-26 03:00+0100"),
    ("Europe/Berlin", "0 * * * *", "2026-03-29T00:30", "03-29 03:00+0200, 03-29 04:00+0200"),
    (
        "Europe/Berlin",
        "0 * * * *",
        "2026-10-24T23:30",
        "10-25 02:00+0200 fold, 10-25 02:00+0100 fold, 10-25 03:00+0100",
    ),
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00", "10-04 02:30+1100 gap"),
    ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00", "04-05 01:45+1100 fold"),
    ("America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00", "11-04 01:00-0200 gap"),
    ("Pacific/Apia", "0 9 * * *", "2011-12-30T05:00", "12-31 00:00+1400 gap, 12-31 09:00+1400"),
    ("UTC", "30 2 * * *", "2026-03-28T12:00", "03-29 02:30+0000, 03-30 02:30+0000"),
]


@pytest.mark.parametrize(("zone", "expression", "asked", "expected"), CLOCK_CHANGES)
def test_fires_that_meet_a_clock_change_are_flagged(
    zone: str, expression: str, asked: str, expected: str
) -> None:
    now = datetime.fromisoformat(asked).replace(tzinfo=UTC)
    count = expected.count(",") + 1
    fires = preview(Schedule(Cron(expression, zone)), now=now, count=count)
    shown = [f"{fire.local:%m-%d %H:%M%z} {fire.dst or ''}".strip() for fire in fires]
    assert ", ".join(shown) == expected
    assert all(fire.at == fire.local.astimezone(UTC) for fire in fires)
    assert {fire.timezone for fire in fires} == {zone}
    assert all(fire.at.utcoffset() == timedelta(0) for fire in fires)


def test_a_preview_ends_with_its_schedule() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    every = Every(timedelta(hours=1), now + timedelta(hours=1))
    assert len(preview(Schedule(every, max_fires=3), now=now, count=10)) == 3
    end_at = now + timedelta(hours=5)
    assert len(preview(Schedule(every, end_at=end_at), now=now, count=10)) == 5
    [first, *_] = preview(Schedule(every), now=now, count=100)
    assert (first.at, first.timezone, first.dst) == (now + timedelta(hours=1), "UTC", None)


def test_a_rare_date_near_the_end_of_time_is_no_error() -> None:
    now = datetime(9990, 1, 1, tzinfo=UTC)
    assert len(preview(Schedule(Cron("0 0 29 2 *", "Europe/Berlin")), now=now, count=100)) <= 3


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (None, ["body"]),
        ({}, ["schedule"]),
        ({"schedule": {"every": "1s"}, "count": 0}, ["count"]),
        ({"schedule": {"every": "1s"}, "count": 101}, ["count"]),
        ({"schedule": {"every": "1s"}, "count": True}, ["count"]),
        ({"schedule": {"cron": "x"}, "count": "1", "n": 1}, ["n", "count", "schedule.cron"]),
    ],
)
def test_a_wrong_preview_names_its_fields(body: Any, fields: list[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_preview(body, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert [detail.field for detail in refused.value.details] == fields
