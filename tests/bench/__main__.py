"""`make bench`: measures the whole platform in one run, prints a table and keeps it as JSON."""

import json
import os
import platform as machine
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from tests.bench import bench as sections
from tests.bench.imports import imports
from tests.e2e.platform import Platform

SECTIONS: dict[str, Callable[[sections.Bench], sections.Figures]] = {
    "accepts": partial(sections.accepts, count=4_000),
    "backlog": partial(sections.backlog, count=5_000, endpoints=20),
    "backlog-one-endpoint": partial(sections.backlog, count=5_000, endpoints=1),
    "tick": partial(sections.tick, count=10_000),
    "spread": sections.spread_lateness,
    "burst-1000": partial(sections.burst_lateness, count=1_000),
    "burst-10000": partial(sections.burst_lateness, count=10_000),
    "imports": partial(imports, lines=1_000_000),
    "idle": sections.idle,
}
TARGETS = {
    ("accepts", "accepts, ratio to bare app"): "at least 0.7",
    ("backlog", "CPU in all, ms"): "at most 2",
    ("burst-10000", "max_ms"): "at most 20,000",
    ("imports", "lines per_second"): "at least 20,000",
    ("imports", "memory of worker, MB"): "under 200",
    ("idle", "CPU in all, %"): "under 5",
}


def main(only: list[str] | None = None, results: Path = Path("bench-results")) -> None:
    """Run all sections, or the given ones."""
    measured: dict[str, sections.Figures] = {}
    with (
        tempfile.TemporaryDirectory(prefix="triggerfish-bench-") as folder,
        sections.server("tests.bench.receiver") as port,
    ):
        platform = Platform(Path(folder))
        platform.start()
        try:
            bench = sections.Bench(platform, port)
            for name in only or SECTIONS:
                Console(stderr=True).print(f"[dim]{name} …[/]")
                measured[name] = SECTIONS[name](bench)
        finally:
            platform.close()
    Console(width=100).print(_table(measured))
    _keep(measured, results)


def _table(measured: dict[str, sections.Figures]) -> Table:
    table = Table("section", "figure", "value", "target")
    for section, figures in measured.items():
        for figure, value in figures.items():
            target = TARGETS.get((section, figure), "")
            table.add_row(section, figure, f"{value:,.2f}", target)
        table.add_section()
    return table


def _keep(measured: dict[str, sections.Figures], results: Path) -> None:
    now = datetime.now(UTC)
    results.mkdir(exist_ok=True)
    file = results / f"{now:%Y%m%dT%H%M%SZ}.json"
    about = {"at": now.isoformat(), "cores": os.cpu_count(), "python": machine.python_version()}
    file.write_text(json.dumps(about | {"load": os.getloadavg(), "figures": measured}, indent=2))
    Console().print(f"Kept in {file}")


if __name__ == "__main__":
    typer.run(main)
