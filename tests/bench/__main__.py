"""`make bench`: measures the whole platform in one run, prints a table and keeps it as JSON."""

import json
import os
import platform as machine
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console

from tests.bench.bench import Bench, Figures, server
from tests.bench.earlier import OURS, Tree, earlier, newest_tag
from tests.bench.sections import SECTIONS
from tests.bench.table import table
from tests.e2e.platform import Platform

Measured = dict[str, dict[str, Figures]]
"""Section → name of the version → its figures."""


def main(
    only: list[str] | None = None, against: str = "", results: Path = Path("bench-results")
) -> None:
    """Run all sections, or the given ones, beside an earlier version (default: the newest tag)."""
    console = Console(stderr=True)
    trees = [OURS]
    if revision := against or newest_tag():
        trees.append(earlier(revision))
    else:
        console.print("There is no tag to compare with; name a commit by --against.")
    measured: Measured = {}
    with ExitStack() as stack:
        benches = _benches(trees, stack)
        for section in only or SECTIONS:
            measured[section] = {}
            for name, bench in benches.items():
                console.print(f"[dim]{section} of {name} …[/]")
                measured[section][name] = _figures(section, bench, console)
    Console(width=120).print(table(measured, [tree.name for tree in trees]))
    _keep(measured, results)


def _benches(trees: Sequence[Tree], stack: ExitStack) -> dict[str, Bench]:
    """A running platform of each version; they share the receiver."""
    port = stack.enter_context(server("receiver"))
    benches: dict[str, Bench] = {}
    for tree in trees:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="triggerfish-bench-"))
        platform = Platform(Path(folder), python=tree.python, root=tree.root)
        stack.callback(platform.close)
        platform.start()
        benches[tree.name] = Bench(platform, port)
    return benches


def _figures(section: str, bench: Bench, console: Console) -> Figures:
    """What the section measures; nothing where an earlier version lacks what it needs."""
    if bench.platform.root == OURS.root:
        return SECTIONS[section](bench)
    try:
        return SECTIONS[section](bench)
    except Exception as error:  # whatever it is that this version cannot do
        console.print(f"not measured: {type(error).__name__}: {error}")
        bench.forget()
        return {}


def _keep(measured: Measured, results: Path) -> None:
    now = datetime.now(UTC)
    results.mkdir(exist_ok=True)
    file = results / f"{now:%Y%m%dT%H%M%SZ}.json"
    about = {"at": now.isoformat(), "cores": os.cpu_count(), "python": machine.python_version()}
    file.write_text(json.dumps(about | {"load": os.getloadavg(), "figures": measured}, indent=2))
    Console().print(f"Kept in {file}")


if __name__ == "__main__":
    typer.run(main)
