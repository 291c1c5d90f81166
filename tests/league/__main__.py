"""`make league`: measures the peers in alternating rounds and writes docs/evidence/league.md."""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from tests.league.environments import CACHE, ROOT
from tests.league.league import Plan, play, results_from
from tests.league.page import render
from tests.league.peers import PEERS
from tests.league.sections import SECTIONS

PAGE = ROOT / "docs" / "evidence" / "league.md"
CORES = 2
console = Console()


def main(
    peer: Annotated[list[str] | None, typer.Option(help="Only these peers.")] = None,
    section: Annotated[list[str] | None, typer.Option(help="Only these sections.")] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    minutes: Annotated[float, typer.Option(help="After these no further round begins.")] = 45,
    quick: Annotated[bool, typer.Option(help="One round of the most telling sections.")] = False,
    render_only: Annotated[
        Path | None, typer.Option(help="Write the page from kept results.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="Write here; a whole run writes the docs.")
    ] = None,
) -> None:
    """Run the league. A choice of peers or sections prints its tables and writes no page."""
    if render_only:
        _write(page or PAGE, render(results_from(render_only)))
        return
    names = _chosen(peer, list(PEERS))
    wanted = _chosen(section, [name for name, one in SECTIONS.items() if one.quick or not quick])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # the peers are stopped first
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    kept = CACHE / "results" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    sections = {name: SECTIONS[name] for name in wanted}
    plan = Plan(names, sections, 1 if quick else rounds, minutes)
    results = play(plan, _say, kept)
    text = render(results)
    console.print(Markdown(text))
    console.print(f"Kept in {kept}")
    if page or not (peer or section):
        _write(page or PAGE, text)


def _chosen(wanted: list[str] | None, known: list[str]) -> list[str]:
    if unknown := set(wanted or ()) - set(PEERS) - set(SECTIONS):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}")
    return [name for name in known if not wanted or name in wanted]


def _write(page: Path, text: str) -> None:
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text)
    console.print(f"Wrote {page}")


def _say(text: str) -> None:
    console.print(f"{datetime.now(UTC):%H:%M:%S} {text}", markup=False, highlight=False)


if __name__ == "__main__":
    typer.run(main)
