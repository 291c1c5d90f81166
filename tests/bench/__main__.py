"""`make bench`: measures the whole platform in one run, prints a table and keeps it as JSON."""

import json
import os
import platform as machine
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from tests.bench.bench import Bench, Figures, server
from tests.bench.sections import SECTIONS
from tests.bench.targets import TARGETS
from tests.e2e.platform import Platform


def main(only: list[str] | None = None, results: Path = Path("bench-results")) -> None:
    """Run all sections, or the given ones."""
    measured: dict[str, Figures] = {}
    with (
        tempfile.TemporaryDirectory(prefix="triggerfish-bench-") as folder,
        server("receiver") as port,
    ):
        platform = Platform(Path(folder))
        platform.start()
        try:
            bench = Bench(platform, port)
            for name in only or SECTIONS:
                Console(stderr=True).print(f"[dim]{name} …[/]")
                measured[name] = SECTIONS[name](bench)
        finally:
            platform.close()
    Console(width=100).print(_table(measured))
    _keep(measured, results)


def _table(measured: dict[str, Figures]) -> Table:
    table = Table("section", "figure", "value", "target")
    for section, figures in measured.items():
        for figure, value in figures.items():
            target = TARGETS.get((section, figure))
            met = "" if target is None else f"{target}{'' if target.met_by(value) else '  ✗'}"
            table.add_row(section, figure, f"{value:,.2f}", met)
        table.add_section()
    return table


def _keep(measured: dict[str, Figures], results: Path) -> None:
    now = datetime.now(UTC)
    results.mkdir(exist_ok=True)
    file = results / f"{now:%Y%m%dT%H%M%SZ}.json"
    about = {"at": now.isoformat(), "cores": os.cpu_count(), "python": machine.python_version()}
    file.write_text(json.dumps(about | {"load": os.getloadavg(), "figures": measured}, indent=2))
    Console().print(f"Kept in {file}")


if __name__ == "__main__":
    typer.run(main)
