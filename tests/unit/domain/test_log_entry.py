"""What a bad line is told: its own words and columns, nothing of how it is checked."""

import pytest

from triggerfish.domain.lines import Line
from triggerfish.domain.log_entry import BadLine, parse_line


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[1, 2]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"   ", "is empty"),
        (b'{"a": NaN}', "must not contain NaN or Infinity: JSON has no such number (column 7)"),
        (b'{"a": 1', "must be JSON: unexpected end of data (column 8)"),
        (b'{"a": "\xff"}', "must be UTF-8; the byte at offset 7 is not"),
    ],
)
def test_a_line_that_is_no_entry_says_why(text: bytes, reason: str) -> None:
    with pytest.raises(BadLine) as bad:
        parse_line(Line(1, text, len(text)))
    assert str(bad.value) == reason


def test_integers_of_any_length_are_exact_wherever_they_stand() -> None:
    text = b'{"timestamp":"2026-03-02T12:00:00Z","level":"info","service":"s","message":"m"'
    text += b',"a":-12345678901234567890,"b":[1,98765432109876543210],"c":"12345678901234567890"}'
    attributes = parse_line(Line(1, text, len(text))).attributes
    assert attributes == {
        "a": -12345678901234567890,
        "b": [1, 98765432109876543210],
        "c": "12345678901234567890",
    }
