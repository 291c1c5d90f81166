"""docs/evidence/league.md, written from one run."""

from collections.abc import Iterable, Sequence

from tests.league.environments import WORKERS
from tests.league.figures import spread
from tests.league.league import Entry, Results
from tests.league.peers.base import CONCURRENCY
from tests.league.sections import QUIET_AFTER_FAULT_SECONDS, SECTIONS

DIGITS = {"p50": 2, "p99": 2, "last": 2, "recovery": 1, "restart": 1, "CPU each": 1, "CPU": 1}
IN_MS = {"p50": 0, "p99": 0, "last": 0}
UNITS = {"CPU each": "ms", "memory": "MB", "CPU": "%", "restart": "s", "recovery": "s"}
ABOUT = """\
# The league table

How late, how costly and how safe Triggerfish is beside other schedulers and queues, all measured by one command, in one run, on one machine.

    make league                                   # all of it, and this page anew
    make league ARGS="--rounds 1"                 # each section once
    make league ARGS="--quick"                    # the most telling sections, once
    make league ARGS="--peer river --peer triggerfish --section burst-2000 --rounds 1"
"""
METHOD = """\
## How it is measured

- **One receiver** answers every POST at once and notes when each job's id arrived; **one generator** hands in HTTP requests, each counted from its turn. They, the peer and its store share the same {cores} cores.
- Peers run one at a time, from an empty store, in an order that turns from round to round; a burst of 50 goes ahead to warm up. A cell is the median of its rounds, with the lowest and the highest.
- **Late** is arrival at the receiver less the time a job was due, on one clock; for jobs handed in over HTTP, less the turn of their request. *Early* came before it was due; *lost* did not come within 15 s of silence ({quiet:.0f} s after a fault); *doubled* came twice or more, which every at-least-once system may do after a fault.
- **Killed**: SIGKILL for every process but the store once a tenth of 2,000 had arrived, and a restart at once. Where the server is its own store, as the table above says, it is killed too, and its files stay. *Recovery* goes from the restart's end to the last first arrival.
- **The store away**: SIGSTOP for the store's processes (or the server that is its own store), for 10 s, at the same moment. *Recovery* goes from its end.
- *CPU each* counts all processes of the peer and its store, from the last job scheduled to the last arrival; *memory* is their proportional set size.
"""
LIMITS = """\
## What the comparison does not say

- Most peers are libraries: the worker that posts is {lines} lines of ours ([workers](../../tests/league/workers)). They have no API, log of attempts, signatures, retries by endpoint, protection of internal addresses or per-endpoint limits; Triggerfish does all of that in the figures above, and holds each endpoint to its default limit of deliveries at a time. The others treat one endpoint and twenty alike, so 10,000 to one are measured of Triggerfish alone.
- A worker takes {concurrency} at a time where that can be said. Other settings, more processes or more machines would give other figures, for every one of them.
- Stores differ in what a loss of power would take: the column *durability* says when each calls something written. A SIGKILL takes nothing that the kernel already has.
- Temporal is its development server over SQLite, the one that packages carry; a cluster over Postgres or Cassandra is another thing.
- The receiver answers at once. Slow and failing endpoints, large payloads, recurring schedules and days of running are not here.
- The machine is small, and generator and receiver take their share of it.
"""


def render(results: Results) -> str:
    """The whole page."""
    parts = [ABOUT, _when(results), _table(HEADINGS, map(_about, results.entries.values()))]
    for name in results.sections:
        rows = [
            (one.name, one.figures[name]) for one in results.entries.values() if name in one.figures
        ]
        if rows:
            parts += [f"## {SECTIONS[name].heading}\n", _figures(name, rows)]
    parts += [
        _failures(results),
        METHOD.format(cores=results.cores, quiet=QUIET_AFTER_FAULT_SECONDS),
        _limits(),
    ]
    return "\n".join(part for part in parts if part)


def _when(results: Results) -> str:
    rounds = "one round" if results.rounds == 1 else f"up to {results.rounds} rounds"
    return (
        f"Measured from {results.at} on, {results.cores} cores, {rounds} in "
        f"{results.seconds / 60:.0f} minutes; load average at the end {results.load:.1f}.\n"
    )


HEADINGS = ("", "version", "durability", "set up")


def _about(entry: Entry) -> list[str]:
    return [entry.name, entry.versions or "not run", entry.durability, entry.settings]


def _figures(section: str, rows: Sequence[tuple[str, list[dict[str, float]]]]) -> str:
    names = list(dict.fromkeys(key for _, rounds in rows for one in rounds for key in one))
    in_ms = section.startswith(("spread", "accept", "saturation"))
    headings = ["", "rounds", *(_heading(name, in_ms) for name in names)]
    cells = ([peer, str(len(rounds)), *_cells(names, rounds, in_ms)] for peer, rounds in rows)
    return _table(headings, cells)


def _cells(names: Sequence[str], rounds: list[dict[str, float]], in_ms: bool) -> list[str]:
    digits = DIGITS | (IN_MS if in_ms else {})
    values = {name: [one[name] for one in rounds if name in one] for name in names}
    return [spread(values[name], digits.get(name, 0)) if values[name] else "-" for name in names]


def _heading(name: str, in_ms: bool) -> str:
    if name in ("p50", "p99", "last"):
        return f"{name}, {'ms' if in_ms else 's'}"
    if name.startswith("accept p"):
        return f"{name}, ms"
    if name in ("scheduled", "accepted", "delivered"):
        return f"{name} per s"
    return f"{name}, {UNITS[name]}" if name in UNITS else name


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _failures(results: Results) -> str:
    said = [
        f"- **{one.name}**: {_one_line(why)}"
        for one in results.entries.values()
        for why in one.failures
    ]
    return "\n".join(["## What did not run\n", *said, ""]) if said else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _limits() -> str:
    scripts = [*WORKERS.glob("*_worker.py"), *WORKERS.glob("*/main.go")]
    counts = [len(path.read_text().splitlines()) for path in scripts]
    return LIMITS.format(lines=f"{min(counts)} to {max(counts)}", concurrency=CONCURRENCY)
