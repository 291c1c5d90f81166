"""`make attack`: mounts each attack on a platform of its own making, and prints what it did to others.

Fails if the other tenant's calls or deliveries were slow at the 99th percentile, one was lost or
delivered twice, a process grew too much, or a frozen process was not replaced in time.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.table import Table

from tests.attack.attacks import ATTACKS, Attack
from tests.attack.receivers import name_server
from tests.attack.scene import Scene, platform_under_attack, scene
from tests.attack.tenant import Timings
from tests.e2e.platform import Platform
from tests.e2e.waiting import until

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- others: begin -->\n", "<!-- others: end -->\n"
TITLES = (
    "attack",
    "what came of it",
    "longest wait for `/health/live`",
    "others' calls: p50, p99",
    "others' deliveries: p50, p99",
    "a process grew by",
)
P99_MS, GROWTH_MIB, REPLACED_SECONDS = 250.0, 64.0, 15.0
SHARED = ("gateway", "worker", "scheduler")
FROZEN = ("gateway", "worker", "scheduler", "broker")


@dataclass(frozen=True)
class Effect:
    """What an attack came to, and what others noticed of it."""

    name: str
    outcome: str
    timings: Timings
    growth_mib: float

    def faults(self) -> list[str]:
        told = [
            (percentile(self.timings.calls, 99) > P99_MS, "calls were slow"),
            (percentile(self.timings.deliveries, 99) > P99_MS, "deliveries were slow"),
            (self.timings.lost > 0, f"{self.timings.lost} deliveries lost"),
            (self.timings.doubled > 0, f"{self.timings.doubled} delivered twice"),
            (bool(self.timings.refused), f"refused: {self.timings.refused[:3]}"),
            (self.growth_mib > GROWTH_MIB, f"a process grew by {self.growth_mib:.0f} MiB"),
        ]
        return [fault for is_so, fault in told if is_so]


def main(
    seconds: Annotated[float, typer.Option(help="For which each attack goes on.")] = 10.0,
    only: Annotated[str, typer.Option(help="Attacks whose name has this in it.")] = "",
    frozen: Annotated[bool, typer.Option(help="Freeze each process, too.")] = True,
    write: Annotated[bool, typer.Option(help="Write the table into docs/security.md.")] = False,
) -> None:
    """Mount every attack, print its effect on another tenant, fail if the rule is broken."""
    console = Console(width=140)
    chosen = {name: attack for name, attack in ATTACKS.items() if only in name}
    with platform_under_attack() as under_attack:
        there = scene(under_attack, seconds)
        effects = [asyncio.run(mount(name, one, there)) for name, one in chosen.items()]
        replaced = {name: freeze(under_attack, name) for name in FROZEN} if frozen else {}
    console.print(table(effects))
    if write:
        write_page(effects, replaced)
    for name, waited in replaced.items():
        console.print(f"{name}, frozen: replaced after {waited:.1f} s")
    broken = [f"{one.name}: {', '.join(one.faults())}" for one in effects if one.faults()]
    broken += [f"{name}: {s:.1f} s" for name, s in replaced.items() if s > REPLACED_SECONDS]
    for line in broken:
        console.print(f"[red]✗ {line}")
    raise typer.Exit(bool(broken))


async def mount(name: str, attack: Attack, there: Scene) -> Effect:
    """Let the attack and the other tenant run side by side."""
    there.answers.clear()
    before = memory(there.platform)
    async with name_server(there.platform.name_port):
        tenant = asyncio.create_task(other_tenant(there))
        outcome = await attack(there)
        timings = await tenant
    after = memory(there.platform)
    growth = max(after[pid] - before.get(pid, after[pid]) for pid in after)
    return Effect(name, outcome, timings, growth)


async def other_tenant(there: Scene) -> Timings:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.attack.tenant",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    orders = {"url": there.platform.url, "key": there.tenant, "seconds": there.seconds}
    said, _ = await process.communicate(json.dumps(orders).encode())
    return Timings(**json.loads(said))


def memory(one: Platform) -> dict[int, float]:
    """MiB of each process that serves many, by id."""
    found = {}
    for name in SHARED:
        parent = psutil.Process(int(one.note["services"][name]))
        for process in (parent, *parent.children(recursive=True)):
            found[process.pid] = process.memory_info().rss / (1 << 20)
    return found


def freeze(one: Platform, service: str) -> float:
    """Seconds until another process has taken the place of one that was stopped."""
    pid = int(one.note["services"][service])
    began = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    until(lambda: one.is_restarted(service, pid), 60, what=f"another {service}")
    replaced = time.monotonic() - began
    until(one.answers, 60, what="the API")
    return replaced


def percentile(values: Sequence[float], rank: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * rank // 100)] if ordered else 0.0


def row(one: Effect) -> list[str]:
    """The cells under TITLES."""
    calls, deliveries = one.timings.calls, one.timings.deliveries
    return [
        one.name,
        one.outcome,
        f"{max(one.timings.alive, default=0):.0f} ms",
        *(f"{percentile(v, 50):.0f}, {percentile(v, 99):.0f} ms" for v in (calls, deliveries)),
        f"{one.growth_mib:.0f} MiB",
    ]


def table(effects: Sequence[Effect]) -> Table:
    shown = Table(*TITLES)
    for one in effects:
        shown.add_row(*row(one))
    return shown


def write_page(effects: Sequence[Effect], replaced: dict[str, float]) -> None:
    """Replace what the last run wrote between the marks in docs/security.md."""
    lines = [TITLES, ("---",) * len(TITLES), *(row(one) for one in effects)]
    text = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    if replaced:
        seconds = ", ".join(f"{name} {waited:.1f} s" for name, waited in replaced.items())
        text += f"\nFrozen, and replaced after: {seconds}.\n"
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(before + BEGIN + text + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
