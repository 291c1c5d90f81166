"""The table in docs/security.md, written by a test run: `make security-report`.

Tests that mount an attack are marked `attack("<class>")`. Every run of such a test is a case, or as
many as it notes with `record_property("cases", n)`; it was blocked if the test passed. A class is a
row, so an attack that gets through shows as a case that was not blocked, and `make` fails.
"""

from collections import Counter
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "security.md"
BEGIN, END = "<!-- attacks: begin -->\n", "<!-- attacks: end -->\n"

tried: Counter[str] = Counter()
blocked: Counter[str] = Counter()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    report = yield
    if (report.when == "call" and not report.skipped) or report.failed:
        cases = int(dict(item.user_properties).get("cases", 1))  # type: ignore[call-overload]
        for mark in item.iter_markers("attack"):
            tried[mark.args[0]] += cases
            blocked[mark.args[0]] += cases if report.passed else 0
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    if tried and not session.config.option.collectonly:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        _, after = rest.split(END)
        PAGE.write_text(before + BEGIN + table() + END + after, encoding="utf-8")


def table() -> str:
    """The rows as Markdown, in the order of their names."""
    rows = [f"| {name} | {tried[name]} | {blocked[name]} |\n" for name in sorted(tried)]
    return "| attack class | cases tried | blocked |\n|---|---:|---:|\n" + "".join(rows)
