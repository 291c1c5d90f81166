"""Reading replies: how long to wait, and the excerpt that is kept."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerfish.domain.exchange import excerpt_of, parse_retry_after

NOW = datetime(2026, 11, 3, 12, 0, 0, tzinfo=UTC)
IN_ONE_MINUTE = "Tue, 03 Nov 2026 12:01:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("86401", 86_400),
        ("9" * 5000, 86_400),
        (IN_ONE_MINUTE, 60),
        ("Tue, 03 Nov 2026 11:00:00 GMT", 0),
        ("Tue, 03 Nov 2099 11:00:00 GMT", 86_400),
        ("Tuesday, 03-Nov-26 12:01:00 GMT", 60),
        ("", None),
        (None, None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Tue, 99 Nov 2026 12:01:00 GMT", None),
    ],
)
def test_retry_after_is_read_and_bounded(value, seconds):
    assert parse_retry_after(value, None, NOW) == seconds


def test_a_date_counts_from_the_replys_own_clock():
    assert parse_retry_after(IN_ONE_MINUTE, "Tue, 03 Nov 2026 12:00:50 GMT", NOW) == 10


def test_an_unreadable_date_of_the_reply_is_ignored():
    assert parse_retry_after(IN_ONE_MINUTE, "yesterday", NOW) == 60


@given(st.text(), st.text())
def test_no_header_value_breaks_the_reading(value, date):
    wait = parse_retry_after(value, date, NOW)
    assert wait is None or 0 <= wait <= 86_400


@given(st.binary(max_size=5000))
def test_an_excerpt_is_always_storable_text(raw):
    excerpt = excerpt_of(raw)
    assert len(excerpt) <= 1000
    assert "\0" not in excerpt
    excerpt.encode()


def test_an_excerpt_counts_characters_not_bytes():
    assert excerpt_of("ü".encode() * 2000) == "ü" * 1000
