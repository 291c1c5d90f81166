"""The goals: what a figure should be, by section and name."""

from dataclasses import dataclass

from tests.bench.sections.big_tables import READS


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that is met by equality too."""

    bound: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.bound:,g}"


def at_most(bound: float) -> Target:
    return Target(bound)


def at_least(bound: float) -> Target:
    return Target(bound, at_least=True)


TARGETS: dict[tuple[str, str], Target] = {
    ("accepts", "accepts, ratio to bare app"): at_least(1.5),
    ("accepts", "while delivering, ratio to bare app"): at_least(1.0),
    ("steady", "accept p50, ratio to bare app"): at_most(1.3),
    ("steady", "arrival, p50_ms"): at_most(8),
    ("steady", "arrival, p99_ms"): at_most(35),
    ("cost", "message, ratio to bare accept"): at_most(2.2),
    ("busy-endpoint", "1 endpoints, longest silence, ms"): at_most(1000),
    ("busy-endpoint", "20 endpoints, longest silence, ms"): at_most(1000),
    ("burst-2000", "p99_ms"): at_most(1_500),
    ("burst-2000", "early"): at_most(0),
    ("backlog", "CPU in all, ms"): at_most(2),
    ("spread", "p99_ms"): at_most(30),
    ("spread", "early"): at_most(0),
    ("burst-10000", "max_ms"): at_most(8_000),
    ("burst-10000", "early"): at_most(0),
    ("imports", "lines per_second"): at_least(20_000),
    ("imports", "memory of worker, MB"): at_most(200),
    ("tick", "seconds"): at_most(2),
    ("create", "per_second"): at_least(800),
    ("create-batch", "per_second"): at_least(3_000),
    ("start", "later start, seconds"): at_most(4),
    ("memory", "in all, MB"): at_most(300),
    ("tick-million", "seconds"): at_most(2),
    **{("big-tables", f"{name}, p95_ms"): at_most(10) for name in READS},
    ("big-tables", "rows read by sequential scans"): at_most(0),
    ("big-tables", "accepts per_second, ratio to empty"): at_least(0.85),
    ("big-tables", "deliveries per_second, ratio to empty"): at_least(0.85),
    ("big-tables", "moved per_second"): at_least(50_000),
    ("idle", "CPU in all, %"): at_most(2),
}
