"""The table of attacks in docs/security.md: every class that tests mount, every case blocked."""

import re

from tests.security_report import BEGIN, END, PAGE

ROOT = PAGE.parents[1]
MARK = re.compile(r'pytest\.mark\.attack\(\s*"([^"]+)"')
ROW = re.compile(r"^\| ([^|]+) \| (\d+) \| (\d+) \|$", re.MULTILINE)


def rows() -> dict[str, tuple[int, int]]:
    table = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    return {name: (int(tried), int(blocked)) for name, tried, blocked in ROW.findall(table)}


def test_the_table_has_the_classes_of_the_tests() -> None:
    sources = (ROOT / "tests").rglob("test_*.py")
    marked = {name for path in sources for name in MARK.findall(path.read_text(encoding="utf-8"))}
    assert set(rows()) == marked


def test_every_case_of_every_class_was_blocked() -> None:
    assert len(rows()) >= 10
    for name, (tried, blocked) in rows().items():
        assert blocked == tried > 0, name
