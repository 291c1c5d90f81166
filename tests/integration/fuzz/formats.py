"""A source of valid values for each meaning that the API document names by `format` or media type.

What is not valid is left to schemathesis.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import schemathesis
from hypothesis import strategies as st

from tests.integration.imports import a_line
from triggerfish.domain.page import encode_cursor, encode_line

START = datetime(2030, 1, 1, tzinfo=UTC)  # later than any run of the tests
NUMBERS = st.integers(1, 400)

ZONES = sorted(
    zone for zone in available_timezones() if zone.partition("/")[0] in ("Europe", "UTC")
)

FORMATS = {
    "date-time": st.integers(0, 10**9).map(
        lambda seconds: (START + timedelta(seconds=seconds)).isoformat()
    ),
    "time-span": st.tuples(NUMBERS, st.sampled_from("smhdw")).map(
        lambda span: f"{span[0]}{span[1]}"
    )
    | st.tuples(NUMBERS, st.sampled_from("SMH")).map(lambda span: f"PT{span[0]}{span[1]}"),
    "cron": st.tuples(st.integers(0, 59), st.integers(0, 23)).map(
        lambda time: f"{time[0]} {time[1]} * * *"
    )
    | st.sampled_from(["@daily", "*/5 * * * *", "0 9 * * MON-FRI", "0 0 L * *"]),
    "iana-time-zone": st.sampled_from(ZONES),
    "http-url": st.tuples(
        st.sampled_from(["http", "HTTPS"]),
        st.from_regex(r"[a-z]{1,9}(/[a-z]{1,9})?", fullmatch=True),
    ).map(lambda parts: f"{parts[0]}://example.com/{parts[1]}"),
    "locations": st.lists(
        st.sampled_from(["berlin", "Köln", "%", "a b"]), min_size=1, max_size=3
    ).map(",".join),
    "catalogue-statuses": st.lists(
        st.sampled_from(["DRAFT", "PUBLISHED", "CANCELLED"]), min_size=1, max_size=3
    ).map(",".join),
    "cursor": st.tuples(st.integers(0, 10**9), st.uuids()).map(
        lambda key: encode_cursor(START - timedelta(seconds=key[0]), key[1])
    ),
    "line-cursor": st.integers(0, 10**6).map(encode_line),
}

# The first line must be an object; those after it may be anything.
LINES = st.lists(st.binary(max_size=40) | st.integers(1, 59).map(a_line), max_size=3)

FILES = {
    "application/jsonl": LINES.map(lambda lines: b"\n".join([a_line(), *lines])),
}


def register() -> None:
    for name, values in FORMATS.items():
        schemathesis.openapi.format(name, values)
    for name, files in FILES.items():
        schemathesis.openapi.media_type(name, files)
