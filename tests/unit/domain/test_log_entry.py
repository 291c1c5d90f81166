"""What a bad line is told: its own words and columns, nothing of how it is checked."""

import json

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
        (b'{"a": 1, "a": 1}', 'has the key "a" twice in one object'),
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


def an_entry(**fields: object) -> Line:
    entry = {"timestamp": "2026-03-02T12:00:00Z", "level": "info", "service": "s", "message": "m"}
    text = json.dumps(entry | fields).encode()
    return Line(1, text, len(text))


@pytest.mark.parametrize("name", ["trace", "source"])
def test_a_field_beside_attributes_and_another_inside_are_refused_naming_it(name: str) -> None:
    with pytest.raises(BadLine) as bad:
        parse_line(an_entry(**{name: 1, "attributes": {name: True}}))
    assert f'"{name}"' in str(bad.value)


def test_the_same_field_beside_attributes_and_inside_is_kept_once() -> None:
    entry = parse_line(an_entry(trace={"id": [1]}, a=1, attributes={"trace": {"id": [1]}, "b": 2}))
    assert entry.attributes == {"trace": {"id": [1]}, "a": 1, "b": 2}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"timestamp": None}, "timestamp: "),
        ({"timestamp": "2026-03-02T12:00:00"}, "timestamp: must be an RFC 3339 time"),
        ({"timestamp": "yesterday"}, "timestamp: must be an RFC 3339 time"),
        ({"level": 5}, "level: must be a text"),
        ({"message": ""}, "message: must not be empty"),
        ({"message": 1}, "message: must be a text"),
        ({"service": "s" * 201}, "service: must have at most 200 characters"),
        ({"attributes": []}, "attributes: must be an object"),
    ],
)
def test_each_wrong_field_has_a_reason_of_our_own(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(BadLine) as bad:
        parse_line(an_entry(**fields))
    assert str(bad.value).startswith(reason)


def test_all_missing_fields_are_named_at_once() -> None:
    with pytest.raises(BadLine) as bad:
        parse_line(Line(1, b"{}", 2))
    for name in ("timestamp", "level", "message", "service"):
        assert f"{name}: is required" in str(bad.value)
