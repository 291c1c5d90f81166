"""The table of bad input: what callers may send wrongly, and the field that the answer names."""

import json
from typing import Any

from tests.factories import a_scheduled_trigger, an_api_trigger

HOOK = "https://example.com/hook"
SCHEDULED = a_scheduled_trigger(HOOK, schedule={"in": "1h"})
API = an_api_trigger(HOOK)
GIANT = 10**300  # beyond any machine number; 10^400 is beyond JSON's doubles too


def changed(base: dict[str, Any], field: str, value: object) -> dict[str, Any]:
    """The body with one field, given as a path with dots, replaced."""
    copy: dict[str, Any] = json.loads(json.dumps(base))
    inner = copy
    *path, last = field.split(".")
    for name in path:
        inner = inner[name]
    inner[last] = value
    return copy


def _each(field: str, *values: Any, **others: Any) -> list[dict[str, Any]]:
    """One object for each value of a field."""
    return [{field: value, **others} for value in values]


_BAD_DELAYS: list[Any] = [None, True, "1", -1, GIANT, 1e308, []]
NOT_A_STRING: list[Any] = [None, True, 0, 1.5, GIANT, [], {}, ["x"]]
NOT_A_NUMBER: list[Any] = [True, "5", [], {}, GIANT, -1]
NOT_AN_OBJECT: list[Any] = [True, 1, "x", [], [{}]]

# A valid body, the field to change, and values that are wrong for it.
WRONG_VALUES: list[tuple[dict[str, Any], str, list[Any]]] = [
    (SCHEDULED, "type", [*NOT_A_STRING, "cron", "Scheduled", ""]),
    (SCHEDULED, "name", [*NOT_A_STRING, "", "  ", "n" * 201]),
    (SCHEDULED, "endpoint", [None, *NOT_AN_OBJECT]),
    (
        SCHEDULED,
        "endpoint.url",
        [
            *NOT_A_STRING,
            "",
            "example.com",
            "localhost:9000/hook",
            "//example.com/hook",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://",
            "https://user:password@example.com/",
            "https://example.com/#part",
            "https://example.com/a b",
            "https://example.com/\r\nX-Injected: 1",
            "https://example.com\\@evil.example",
            "https://example.com:99999/",
            "https://0x7f.1/",
            "https://[::1/",
            "https://" + "a" * 64 + ".example/",
            "https://example.com/" + "a" * 2048,
        ],
    ),
    (SCHEDULED, "endpoint.headers", [True, 1, "X: y", [], [["X", "y"]], {"X": "y", "x": "z"}]),
    (SCHEDULED, "endpoint.headers", [{f"X-{n}": "y" for n in range(21)}]),
    (SCHEDULED, "endpoint.timeout_seconds", [*NOT_A_NUMBER, 0, 31, 1e308]),
    (SCHEDULED, "retry", NOT_AN_OBJECT),
    (SCHEDULED, "retry", [{}, {"delays_seconds": [1], "jitter": 1}, {"delays_seconds": [1] * 21}]),
    (
        SCHEDULED,
        "retry",
        [
            *_each("delays_seconds", *([bad] for bad in _BAD_DELAYS)),
            *_each("delays_seconds", [1e308, 1e308], [0.5, GIANT]),
        ],
    ),
    (SCHEDULED, "catch_up", [*NOT_A_STRING, "some", ["all"]]),
    (SCHEDULED, "catch_up_window_seconds", [None, *NOT_A_NUMBER, 1.5, 46 * 3600 + 1]),
    (SCHEDULED, "catch_up_grace_seconds", [None, *NOT_A_NUMBER, -1, 1.5, 3601]),
    (SCHEDULED, "schedule", [None, *NOT_AN_OBJECT, {}, {"at": None}]),
    (
        SCHEDULED,
        "schedule",
        [
            {"in": "1h", "every": "1h"},
            {"in": "1h", "timezone": "UTC"},
            {"in": "1h", "colour": "red"},
            {"in": "1h", "max_fires": 1},
            *_each("in", True, 1, "", "0s", "-1s", "soon", "99999999999d", []),
            *_each("every", True, 30, "0s", "999ms", "1 fortnight", {}),
            *_each("every", "5 minutes", "1.5h", "30m1h", "10", "1y", "P1M"),
            *_each("at", "2001-01-01T00:00:00Z", "2999-01-01T00:00:00", "2999-13-01T00:00:00Z"),
            *_each("at", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "tomorrow", 1, True),
            *_each("cron", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "@reboot", ""),
            *_each("cron", "*/0 * * * *", f"1-{GIANT} * * * *", "* " * 5000, 5, None),
            *_each("cron", "*/90 * * * *", "0 */25 * * *", "0.5 * * * *", "*/1.5 * * * *"),
            *_each("cron", "0 9 * * *\n", "0 9\n* * *", "? * * * *", "0 0 ?,1 * *", "0 0 30 2 ?"),
            *_each("cron", "0 0 31 4,6,9,11 *", "0 0 * * MONDAY", "0 0 15W * *", "0 0 L-3 * *"),
            *_each("timezone", "Mars/Base", "../../etc/passwd", "", 1, cron="0 9 * * *"),
            *_each("timezone", "Europe", "UTC\u0001", "é", cron="0 9 * * *"),
            *_each("timezone", "Berlin", "europe/berlin", "PST", "UTC+2", cron="0 9 * * *"),
            {"every": "1h", "maxFires": 1},
            {"cron": "0 9 * * *", "tz": "UTC"},
            *_each("max_fires", 0, -1, True, "3", 1.5, GIANT, every="1h"),
            *_each("jitter_seconds", -1, True, 3601, GIANT, "1", every="1h"),
            *_each("start_at", True, 0, "soon", [], every="1h"),
            {"every": "1h", "end_at": "2001-01-01T00:00:00Z"},
            {"every": "1h", "start_at": "2999-01-01T00:00:00Z", "end_at": "2998-01-01T00:00:00Z"},
            {"interval": GIANT, "unit": "days", "is_recurring": True},
            {"interval": 5, "unit": "years", "is_recurring": True},
            {"interval": 5, "unit": ["days"], "is_recurring": True},
            {"interval": 5, "unit": "days", "is_recurring": "yes"},
        ],
    ),
    (API, "schema", [None, 1, "object", [], {"type": "objekt"}, {"type": 5}, {"required": "id"}]),
    (
        API,
        "schema",
        [
            {"$ref": "https://example.com/schema.json"},
            {"$ref": "file:///etc/passwd"},
            {"$ref": "#/$defs/none"},
            {"$ref": "#"},
            {"$dynamicRef": "#x"},
            {"$schema": "https://example.com/draft"},
            {"properties": {"a": {"$id": "https://example.com/"}}},
            {"pattern": "("},
            {"pattern": "(?=x)"},
            {"pattern": r"(a)\1"},
            {"pattern": "x{1,1000000}"},
            {"pattern": "a" * 257},
            {"patternProperties": {"(": True}},
            {"multipleOf": 0},
            {"minLength": -1},
            {"minLength": 1.5},
            {"enum": list(range(1001))},
            {"description": "x" * 70_000},
            {"properties": {f"p{n}": {} for n in range(2001)}},
        ],
    ),
]

# Bodies that lack something, and all that the answer says is required.
MISSING: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"type", "name", "endpoint"}),
    ({"type": "scheduled"}, {"name", "endpoint", "schedule"}),
    ({"type": "api", "endpoint": {}}, {"name", "endpoint.url"}),
    (changed(API, "verification", {}), {"verification.type", "verification.secret"}),
]

# Unknown fields, and the one that was probably meant.
MISSPELT: list[tuple[dict[str, Any], str]] = [
    (changed(SCHEDULED, "schedule", {"every": "1h", "maxFires": 1}), "max_fires"),
    (changed(SCHEDULED, "schedule", {"cron": "@daily", "tz": "UTC"}), "timezone"),
    (changed(SCHEDULED, "url", HOOK), "endpoint.url"),
    (changed(API, "jsonSchema", {}), "schema"),
]

# Bodies with one wrong part, and exactly how the answer names it.
NAMED_WITHIN = [
    (changed(SCHEDULED, "endpoint.headers", {"X-A": "b\r\nX-Injected: 1"}), "endpoint.headers.X-A"),
    (changed(SCHEDULED, "endpoint.headers", {"X-A": "b\n"}), "endpoint.headers.X-A"),
    (changed(SCHEDULED, "endpoint.headers", {"X-A": "é"}), "endpoint.headers.X-A"),
    (changed(SCHEDULED, "endpoint.headers", {"X-A": 5}), "endpoint.headers.X-A"),
    (changed(SCHEDULED, "endpoint.headers", {"X-A": "x" * 4097}), "endpoint.headers.X-A"),
    (changed(SCHEDULED, "endpoint.headers", {"X\r\nY": "z"}), "endpoint.headers.X\\r\\nY"),
    (changed(SCHEDULED, "endpoint.headers", {"": "z"}), "endpoint.headers."),
    (changed(SCHEDULED, "endpoint.headers", {"Host": "evil"}), "endpoint.headers.Host"),
    (changed(SCHEDULED, "endpoint.headers", {"Metadata": "true"}), "endpoint.headers.Metadata"),
    (changed(SCHEDULED, "endpoint.colour", "red"), "endpoint.colour"),
    (changed(SCHEDULED, "retry", {"delays_seconds": [1, True]}), "retry.delays_seconds[1]"),
    (changed(SCHEDULED, "schedule.colour", "red"), "schedule.colour"),
    (changed(SCHEDULED, "schedule", {"cron": "99 * * * *"}), "schedule.cron"),
    (changed(SCHEDULED, "schedule", {"at": "2001-01-01T00:00:00Z"}), "schedule.at"),
    (changed(SCHEDULED, "colour", "red"), "colour"),
    (changed(SCHEDULED, "schema", {}), "schema"),
    (changed(SCHEDULED, "id", "x"), "id"),
    (changed(SCHEDULED, "__class__", {}), "__class__"),
    (changed(API, "payload", {}), "payload"),
    (changed(API, "schedule", {"in": "1h"}), "schedule"),
]


def nested(levels: int, inner: str = "1", opener: str = "[", closer: str = "]") -> str:
    return opener * levels + inner + closer * levels


# Bytes that are no JSON value we could hold, for any endpoint that takes a body.
NOT_ACCEPTABLE_JSON: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \r\n\t",
    "a word": b"hello",
    "half an object": b'{"a": ',
    "two values": b"{} {}",
    "a trailing comma": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "a comment": b'{"a": 1} // x',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "-Infinity": b'{"a": -Infinity}',
    "a number beyond doubles": b'{"a": 1e999}',
    "an integer beyond doubles": b'{"a": 1' + b"0" * 400 + b"}",
    "an integer of 5,000 digits": b'{"a": 1' + b"0" * 5000 + b"}",
    "an escaped U+0000 in a value": b'{"a": "x\\u0000y"}',
    "an escaped U+0000 in a key": b'{"x\\u0000y": 1}',
    "an escaped U+0000 deep down": b'{"a": [{"b": ["\\u0000"]}]}',
    "a raw NUL": b'{"a": "x\x00y"}',
    "a NUL behind the value": b'{"a": 1}\x00',
    "a raw line break in a text": b'{"a": "x\ny"}',
    "a lone high surrogate": b'{"a": "\\ud800"}',
    "a lone low surrogate": b'{"a": "\\udc00"}',
    "a lone surrogate as key": b'{"\\ud800": 1}',
    "a raw surrogate": b'{"a": "\xed\xa0\x80"}',
    "bytes that are not UTF-8": b'{"a": "\xff\xfe"}',
    "an overlong encoding": b'{"a": "\xc0\xaf"}',
    "a byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "100 levels of lists": nested(100).encode(),
    "100 levels of objects": nested(100, "1", '{"a":', "}").encode(),
    "100,000 levels": b"[" * 100_000,
    "100,000 values": b"[" + b"0," * 99_999 + b"0]",
    "a key twice": b'{"a": 1, "a": 2}',
    "a key twice, deep down": b'{"a": [{"b": {"c": 1, "c": 1}}]}',
    "a key twice, once escaped": b'{"a": 1, "\\u0061": 2}',
    "form data": b"a=1&b=2",
    "XML": b"<a/>",
}

# Query strings of every list, and the parameter that is wrong.
WRONG_QUERIES = [
    ("colour=red", "colour"),
    ("limit=", "limit"),
    ("limit=0", "limit"),
    ("limit=251", "limit"),
    ("limit=-1", "limit"),
    ("limit=ten", "limit"),
    ("limit=1.5", "limit"),
    ("limit=NaN", "limit"),
    ("limit=true", "limit"),
    ("limit=1" + "0" * 400, "limit"),
    ("limit=1" + "0" * 5000, "limit"),
    ("limit=1&limit=2", "limit"),
    ("limit[]=1", "limit[]"),
    ("status=unknown", "status"),
    ("status=", "status"),
    ("status=%00", "status"),
    ("status=success&status=failure", "status"),
    ("cursor=", "cursor"),
    ("cursor=garbage", "cursor"),
    ("cursor=%00", "cursor"),
    ("cursor=%ff", "cursor"),
    ("cursor=é", "cursor"),
    ("cursor=W10=", "cursor"),  # []
    ("cursor=bnVsbA==", "cursor"),  # null
    ("cursor=WzEsMl0=", "cursor"),  # [1,2]
    ("cursor=eyJhIjoxLCJiIjoyfQ==", "cursor"),  # {"a":1,"b":2}
    ("cursor=WyIyMDI2LTAxLTAxIiwgIjEiXQ==", "cursor"),  # ["2026-01-01", "1"]
    ("cursor=" + "W1tb" * 100, "cursor"),
    ("cursor=" + "A" * 501, "cursor"),
    ("cursor=" + "A" * 50_000, "cursor"),
]

# Parameters that are unknown, and the one that was probably meant.
MISSPELT_PARAMETERS = [("per_page", "limit"), ("Limit", "limit"), ("curser", "cursor")]

WRONG_EVENT_LOG_QUERIES = [
    ("view=deleted", "view"),
    ("view=all", "view"),
    ("state=deleted", "state"),
    ("state=", "state"),
    ("state=all&view=active", "state"),
    ("trigger_id=1", "trigger_id"),
    ("trigger_id=%00", "trigger_id"),
    ("source=unknown", "source"),
    ("is_test=maybe", "is_test"),
    ("is_test=1", "is_test"),
    ("from=0", "from"),
    ("from=2026-01-01", "from"),
    ("to=2026-01-01T00:00Z", "to"),
    ("from=yesterday", "from"),
    ("from=2026-01-01T00:00:00", "from"),
    ("from=99999-01-01T00:00:00Z", "from"),
    ("to=0000-01-01T00:00:00Z", "to"),
    ("to=NaN", "to"),
    ("to=1e999", "to"),
    ("since=2026-01-01T00:00:00Z", "since"),
]
