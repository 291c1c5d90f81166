"""The table in docs/reliability.md: rows that fault tests record, and how they get into the page.

`python -m tests.e2e.reliability` writes the table from what the last runs of the tests recorded;
`make reliability` runs them first.
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
RESULTS = ROOT / ".cache" / "reliability"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
HEADINGS = (
    "fault",
    "times injected",
    "events at risk",
    "lost",
    "duplicate logs",
    "repeats seen by the receiver",
    "recovery time",
)


@dataclass(frozen=True)
class Row:
    """What one fault did.

    `at_risk` counts the events that were accepted or due while it struck. A repeat is a delivery
    that the receiver saw and no attempt in the log explains. `recovery_seconds` goes from the end
    of the cause (a kill is over at once) until the last event from before that was delivered.
    """

    fault: str
    injected: int
    at_risk: int
    lost: int
    duplicates: int
    repeats: int
    recovery_seconds: float


def keep(row: Row, results: Path = RESULTS) -> None:
    """Write the row into a file of its own, so that tests may run side by side."""
    results.mkdir(parents=True, exist_ok=True)
    (results / f"{time.time_ns()}.json").write_text(json.dumps(asdict(row)))


def kept(results: Path = RESULTS) -> Iterator[Row]:
    for path in sorted(results.glob("*.json")):
        yield Row(**json.loads(path.read_text()))


def merged(rows: Iterable[Row]) -> list[Row]:
    """One row a fault: numbers added up, and of several recoveries the slowest."""
    by_fault: dict[str, Row] = {}
    for row in rows:
        other = by_fault.get(row.fault)
        by_fault[row.fault] = row if other is None else _sum(other, row)
    return sorted(by_fault.values(), key=lambda row: row.fault)


def _sum(a: Row, b: Row) -> Row:
    return Row(
        a.fault,
        a.injected + b.injected,
        a.at_risk + b.at_risk,
        a.lost + b.lost,
        a.duplicates + b.duplicates,
        a.repeats + b.repeats,
        max(a.recovery_seconds, b.recovery_seconds),
    )


def table(rows: Sequence[Row]) -> str:
    lines = ["| " + " | ".join(HEADINGS) + " |", "|---" + "|---:" * (len(HEADINGS) - 1) + "|"]
    for row in rows:
        numbers = (row.injected, row.at_risk, row.lost, row.duplicates, row.repeats)
        cells = [row.fault, *(f"{number:,}" for number in numbers), f"{row.recovery_seconds:.1f} s"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def rows_of(page: str) -> dict[str, list[str]]:
    """The page's table: a fault's name → the cells after it."""
    measured = page.partition(BEGIN)[2].partition(END)[0]
    lines = [line for line in measured.splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


def with_table(page: str, rows: Sequence[Row], *, day: date, cores: int, load: float) -> str:
    """The page with these rows between its marks, and where and when they were measured."""
    said = f"Measured on {day:%d %B %Y}, {cores} cores, load average {load:.0f}."
    measured = f"{BEGIN}\n{table(rows)}\n\n{said}\n{END}"
    return re.sub(f"{BEGIN}.*?{END}", lambda _: measured, page, flags=re.DOTALL)


def faults() -> set[str]:
    """The faults that tests inject, as their markers say."""
    return {
        name
        for path in Path(__file__).parent.glob("test_*.py")
        for value in vars(import_module(f"tests.e2e.{path.stem}")).values()
        for mark in getattr(value, "pytestmark", [])
        if mark.name == "fault"
        for name in mark.args
    }


def main() -> int:
    rows = merged(kept())
    if missing := faults() - {row.fault for row in rows}:
        sys.exit("Not recorded: " + ", ".join(sorted(missing)))
    day, cores = datetime.now(UTC).date(), os.cpu_count() or 0
    page = with_table(PAGE.read_text(), rows, day=day, cores=cores, load=os.getloadavg()[2])
    PAGE.write_text(page)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
