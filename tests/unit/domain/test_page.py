"""Pages: cut at their limit, with cursors that only we could have made."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.page import PAGE_BYTES, cut, cut_lines, decode_cursor, encode_cursor

AT = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
ITEMS = [(AT - timedelta(seconds=n), UUID(int=n), n) for n in range(5)]


@pytest.mark.parametrize(
    ("items", "limit", "shown", "more"),
    [(0, 2, [], False), (1, 2, [0], False), (2, 2, [0, 1], False), (3, 2, [0, 1], True)],
)
def test_a_page_shows_its_limit_and_tells_whether_more_follow(items, limit, shown, more):
    page = cut(ITEMS[:items], limit)
    assert page.items == shown
    if more:
        assert decode_cursor(page.next_cursor) == ITEMS[limit - 1][:2]
    else:
        assert page.next_cursor is None


@pytest.mark.parametrize("at", [AT, AT.astimezone(timezone(timedelta(hours=5, minutes=45)))])
def test_a_cursor_is_read_as_it_was_written(at):
    cursor = encode_cursor(at, UUID(int=9))
    assert decode_cursor(cursor) == (at, UUID(int=9))
    assert cursor.isascii()


def test_no_cursor_is_the_first_page():
    assert decode_cursor(None) is None


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "garbage",
        "=",
        "é",
        "\ud800",
        "\0",
        encoded(None),
        encoded([]),
        encoded([AT.isoformat()]),
        encoded([AT.isoformat(), "1"]),
        encoded([AT.isoformat(), 1]),
        encoded([1, str(UUID(int=1))]),
        encoded(["2026-03-02T12:00:00", str(UUID(int=1))]),
        encoded(["2026-13-02T12:00:00Z", str(UUID(int=1))]),
        encoded([AT.isoformat(), str(UUID(int=1)), "more"]),
        encoded({"at": 1, "id": 2}),
        encoded([[[[]]], {}]),
        base64.b64encode(b"\xff\xfe").decode(),
        encode_cursor(AT, UUID(int=1))[:-3],
        " " + encode_cursor(AT, UUID(int=1)),
    ],
    ids=ascii,
)
def test_what_is_no_cursor_is_refused_naming_it(cursor):
    with pytest.raises(InvalidInput) as refused:
        decode_cursor(cursor)
    assert [detail.field for detail in refused.value.details] == ["cursor"]


@given(st.text(max_size=100))
def test_any_text_is_a_cursor_or_refused(text):
    with suppress(InvalidInput):
        assert decode_cursor(text) is not None


@pytest.mark.parametrize(
    ("sizes", "limit", "shown", "more"),
    [
        ([], 3, 0, False),
        ([1, 1, 1], 3, 3, False),
        ([1, 1, 1, 1], 3, 3, True),
        ([2 * PAGE_BYTES], 3, 1, False),
        ([2 * PAGE_BYTES, 1], 3, 1, True),
        ([PAGE_BYTES - 1, 1, 1], 3, 2, True),
        ([PAGE_BYTES - 1, PAGE_BYTES, 1], 3, 2, True),
    ],
)
def test_a_page_ends_with_the_item_that_fills_it(sizes, limit, shown, more):
    page = cut([(AT, UUID(int=n), size) for n, size in enumerate(sizes)], limit, size=int)
    lines = cut_lines(list(enumerate(sizes)), limit, size=int)
    assert page.items == lines.items == sizes[:shown]
    assert (page.next_cursor is not None) == (lines.next_cursor is not None) == more
