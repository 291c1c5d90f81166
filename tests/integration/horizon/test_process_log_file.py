"""Processing of uploads: every line is counted, stored or rejected with its reason."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.integration.horizon.importing import an_import, counts
from tests.integration.imports import a_line, lines
from triggerfish.domain.access import Principal
from triggerfish.wiring import Wiring


async def test_every_line_is_stored_or_rejected_with_its_reason(
    parts: Wiring, caller: Principal
) -> None:
    bad = {
        3: b"{not json}",
        5: b'{"level": "INFO"}',
        6: b"",
        8: b"[1, 2]",
        9: a_line(9, level="LOUD"),
    }
    content = b"".join(bad.get(number, a_line(number)) + b"\n" for number in range(1, 11))
    one = await an_import(parts, caller, content)
    await one.work()
    assert counts(await one.job()) == ("completed", 5, 5, 100)
    found = await one.reasons()
    assert sorted(found) == sorted(bad)
    assert "must be JSON" in found[3]
    assert "timestamp: is required" in found[5]
    assert found[6] == "is empty"
    assert "level: must be one of" in found[9]
    assert [entry.line_no for entry in await one.entries()] == [1, 2, 4, 7, 10]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": "\xff"}', "must be UTF-8"),
        (a_line(message="a\0b"), "U+0000"),
        (b'{"message": "\\ud800"}', "lone surrogate"),
        (a_line().replace(b'"number": 1', b'"number": NaN'), "NaN"),
        (a_line().replace(b'"number": 1', b'"number": 1e999'), "range of a double"),
        (a_line(timestamp=1772452800), "timestamp: must be an RFC 3339 text"),
        (a_line(timestamp="0001-01-01T00:00:00+14:00"), "years 1 to 9999"),
        (a_line(message=""), "message"),
        (a_line(message="x" * (10 << 20)), "longer than 1048576 bytes"),
        (b"[" * 100_000, "nested"),
    ],
    ids=["UTF-8", "NUL", "surrogate", "NaN", "1e999", "epoch", "year 1", "empty", "10 MB", "deep"],
)
async def test_a_line_that_cannot_be_stored_is_rejected_and_the_next_ones_are_not(
    parts: Wiring, caller: Principal, line: bytes, reason: str
) -> None:
    one = await an_import(parts, caller, a_line(1) + b"\n" + line + b"\n" + a_line(3))
    await one.work()
    assert counts(await one.job()) == ("completed", 2, 1, 100)
    assert reason in (await one.reasons())[2]


@pytest.mark.parametrize(
    "content",
    [
        a_line(1) + b"\n" + a_line(2) + b"\n",
        a_line(1) + b"\n" + a_line(2),
        a_line(1) + b"\r\n" + a_line(2) + b"\r\n",
        b"\xef\xbb\xbf" + a_line(1) + b"\n" + a_line(2),
    ],
    ids=["LF", "no final newline", "CRLF", "BOM"],
)
async def test_ends_of_lines_and_a_byte_order_mark_are_no_part_of_them(
    parts: Wiring, caller: Principal, content: bytes
) -> None:
    one = await an_import(parts, caller, content)
    await one.work()
    assert counts(await one.job()) == ("completed", 2, 0, 100)
    assert [entry.message for entry in await one.entries()] == [
        "request 1 done",
        "request 2 done",
    ]


async def test_unknown_fields_and_odd_values_are_kept_as_attributes(
    parts: Wiring, caller: Principal
) -> None:
    huge = 10**40
    line = a_line(1, source="pod-7", trace="abc", attributes={"huge": huge, "ü": "\\\t\n"})
    one = await an_import(parts, caller, line)
    await one.work()
    [entry] = await one.entries()
    expected = {"source": "pod-7", "trace": "abc", "huge": huge, "ü": "\\\t\n"}
    assert json.loads(entry.attributes) == expected


async def test_the_first_thousand_bad_lines_are_kept_and_all_are_counted(
    parts: Wiring, caller: Principal
) -> None:
    one = await an_import(parts, caller, a_line() + b"\n" + b"bad\n" * 1500)
    await one.work()
    assert counts(await one.job()) == ("completed", 1, 1500, 100)
    assert list(await one.reasons()) == list(range(2, 1002))


async def test_a_long_file_goes_on_in_another_turn(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    one = await an_import(parts, caller, lines(40))
    slow = replace(parts.process_log_file, line_delay=timedelta(seconds=2))
    parts.__dict__["process_log_file"] = slow
    began, turns = clock.now(), 0
    while records := functions.messages(parts.settings.imports_queue_url):
        turns += 1
        assert await functions.process(records) == []
    assert turns > 1
    assert counts(await one.job()) == ("completed", 40, 0, 100)
    assert timedelta(seconds=5) < clock.now() - began < timedelta(seconds=80)


async def test_progress_is_written_at_every_percent_of_a_small_file(
    parts: Wiring, caller: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await an_import(parts, caller, lines(10))
    progress = parts.process_log_file.progress
    seen: list[int] = []
    advance = type(progress).advance

    async def watched(self: Any, *arguments: Any, **named: Any) -> bool:
        done = await advance(self, *arguments, **named)
        seen.append((await one.job()).percent)
        return done

    monkeypatch.setattr(type(progress), "advance", watched)
    await one.work()
    assert len(seen) == 10
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (9, 99)
