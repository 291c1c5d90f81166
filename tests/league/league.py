"""Rounds of all peers, one after the other, each alone on the machine and from an empty store."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.bench import server
from tests.e2e.platform import folder
from tests.league.environments import NotInstalled
from tests.league.figures import Figures
from tests.league.peers import PEERS
from tests.league.peers.base import Peer
from tests.league.sections import Field, Section, warm_up

Say = Callable[[str], None]


@dataclass
class Entry:
    """What one peer did: its figures by section, a dict a round, and what went wrong."""

    name: str
    settings: str
    versions: str = ""
    durability: str = ""
    figures: dict[str, list[Figures]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    """Each a sentence; a peer that could not be installed has nothing else."""


@dataclass
class Results:
    """One run of the league."""

    at: str
    cores: int
    rounds: int
    sections: list[str]
    entries: dict[str, Entry]
    seconds: float = 0.0
    load: float = 0.0

    def keep(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))


def results_from(path: Path) -> Results:
    said = json.loads(path.read_text())
    entries = {name: Entry(**entry) for name, entry in said.pop("entries").items()}
    return Results(**said, entries=entries)


def install(names: Sequence[str], say: Say) -> dict[str, Entry]:
    """Bring every peer into its environment; whichever cannot be had says so, loudly."""
    entries = {}
    for name in names:
        peer = PEERS[name]
        entry = entries[name] = Entry(peer.name, peer.settings)
        say(f"{peer.name}: installing")
        try:
            peer.install()
        except NotInstalled as why:
            entry.failures.append(f"NOT RUN: {why}")
            say(f"{peer.name}: NOT RUN: {why}")
    return entries


@dataclass(frozen=True)
class Plan:
    """What to measure. After `minutes` no peer begins another round; the first round is whole."""

    peers: Sequence[str]
    sections: Mapping[str, Section]
    rounds: int
    minutes: float

    def turns(self, playing: Sequence[str]) -> Iterator[tuple[int, str, dict[str, Section]]]:
        """Round, peer and sections; the order of the peers turns by one from round to round."""
        began = time.monotonic()
        for number in range(self.rounds):
            sections = {name: one for name, one in self.sections.items() if number < one.rounds}
            turn = number % max(1, len(playing))
            for name in [*playing[turn:], *playing[:turn]] if sections else ():
                if number == 0 or time.monotonic() - began < self.minutes * 60:
                    yield number, name, sections


def play(plan: Plan, say: Say, keep: Path) -> Results:
    """Install all peers and measure them; what is known is kept after each peer."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    cores = len(os.sched_getaffinity(0))
    results = Results(now, cores, plan.rounds, list(plan.sections), install(plan.peers, say))
    playing = [name for name in plan.peers if not results.entries[name].failures]
    began = time.monotonic()
    with server("receiver", package="tests.league") as port:
        for number, name, sections in plan.turns(playing):
            say(f"round {number + 1}: {PEERS[name].name}")
            _round(PEERS[name], results.entries[name], sections, port, say)
            results.seconds, results.load = time.monotonic() - began, os.getloadavg()[0]
            results.keep(keep)
    return results


def _round(
    kind: type[Peer], entry: Entry, sections: Mapping[str, Section], port: int, say: Say
) -> None:
    with folder() as place:
        peer = kind(place)
        try:
            peer.start()
            entry.versions, entry.durability = peer.versions(), peer.durability()
            _measure(Field(peer, port), entry, sections, say)
        except Exception as error:  # a peer that fails is a result, and the others go on
            _failed(entry, "it did not start", error, say)
        finally:
            peer.stop()


def _measure(field: Field, entry: Entry, sections: Mapping[str, Section], say: Say) -> None:
    warm_up(field)
    for name, section in sections.items():
        began = time.monotonic()
        try:
            figures = section.measure(field)
        except Exception as error:
            _failed(entry, section.heading, error, say)
            continue
        if figures:
            entry.figures.setdefault(name, []).append(figures)
            shown = ", ".join(f"{key} {value:,.2f}" for key, value in figures.items())
            say(f"  {name} ({time.monotonic() - began:.0f} s): {shown}")


def _failed(entry: Entry, what: str, error: Exception, say: Say) -> None:
    entry.failures.append(f"{what}: {error}"[:600])
    say(f"  FAILED, {what}: {error!r}")
