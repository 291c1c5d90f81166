"""Durations and times as people type them: what is wrong is named, with the way out."""

import re

import pytest

from triggerfish.domain.durations import parse_duration
from triggerfish.domain.timestamps import parse_rfc3339


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10", "no unit"),
        ("10x", '"x"'),
        ("1 fortnight", '"fortnight"'),
        ("5 minutes", '"5m"'),
        ("5min", '"5m"'),
        ("2hrs", '"2h"'),
        ("5M", '"5m"'),
        ("1h 30 mins", '"30m"'),
        ("500ms", "0.5s"),
        ("1y", "days"),
        ("2 months", "days"),
        ("1.5h", '"1.5h"'),
        ("-5s", "negative"),
        ("30m1h", "largest unit first"),
        ("soon", "1h30m"),
        ("", "1h30m"),
        ("P1M", "1h30m"),
        ("4000d", "ten years"),
        ("999999999w", "ten years"),
        ("9" * 5000 + "s", "duration"),
    ],
)
def test_what_is_no_duration_says_what_is_wrong(text, said):
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        parse_duration(text)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("9999-12-31T23:59:59Z", "9999-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59-10:00", "9999-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00+23:00", "year 1"),
        ("2027-02-30T00:00:00Z", "exist"),
        ("2027-01-01T24:00:00Z", "exist"),
        ("2027-01-01T00:00:00", "offset"),
        ("2027-01-01", "RFC 3339"),
        ("tomorrow", "RFC 3339"),
    ],
)
def test_what_is_no_time_says_what_is_wrong(text, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_rfc3339(text)


def test_the_latest_time_there_is_is_one():
    assert parse_rfc3339("9999-01-01T00:00:00Z").year == 9999
