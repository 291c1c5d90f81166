"""Cutting files into lines: every form of file, every way of cutting it into chunks."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerfish.domain.lines import MAX_LINE_BYTES, Line, LineReader

LONG = b"x" * MAX_LINE_BYTES


def read(*chunks: bytes, number: int = 1, offset: int = 0) -> list[Line]:
    reader = LineReader(number=number, offset=offset)
    return [line for chunk in chunks for line in reader.feed(chunk)] + list(reader.finish())


@pytest.mark.parametrize(
    ("file", "texts"),
    [
        (b"", []),
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\nb", [b"a", b"b"]),
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"\xef\xbb\xbfa\nb\n", [b"a", b"b"]),
        (b"a\n\xef\xbb\xbfb\n", [b"a", b"\xef\xbb\xbfb"]),
        (b"\n\na\n", [b"", b"", b"a"]),
        (b"\n", [b""]),
    ],
)
def test_lines_are_what_stands_between_ends_of_line(file: bytes, texts: list[bytes]) -> None:
    assert [line.text for line in read(file)] == texts


def test_lines_are_numbered_and_say_where_the_next_one_begins() -> None:
    assert read(b"a\nbb\r\nc") == [Line(1, b"a", 2), Line(2, b"bb", 6), Line(3, b"c", 7)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_longest_line_is_read_and_one_byte_more_is_not(mark: bytes, end: bytes) -> None:
    assert [line.text for line in read(mark + LONG + end)] == [LONG]
    assert [line.text for line in read(mark + LONG + b"x" + end)] == [None]


def test_an_endless_line_takes_no_memory_and_the_next_one_is_read() -> None:
    reader = LineReader()
    for _ in range(50):
        assert list(reader.feed(LONG)) == []
        assert len(reader._begun) <= 2 * MAX_LINE_BYTES
    assert list(reader.feed(b"\nb\n")) == [
        Line(1, None, 50 * len(LONG) + 1),
        Line(2, b"b", 50 * len(LONG) + 3),
    ]


@given(
    file=st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\xef\xbb\xbf", b"bc"])).map(b"".join),
    cuts=st.lists(st.integers(0, 60)),
)
def test_chunks_make_no_difference(file: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(file)) for cut in cuts), len(file)]
    chunks = [file[a:b] for a, b in pairwise(places)]
    assert read(*chunks) == read(file)


@given(file=st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"bc"])).map(b"".join))
def test_a_reader_can_go_on_after_any_line(file: bytes) -> None:
    lines = read(file)
    for position, line in enumerate(lines):
        rest = read(file[line.end :], number=line.number + 1, offset=line.end)
        assert rest == lines[position + 1 :]
