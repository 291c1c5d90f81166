"""The sections of the benchmark by name; each measures and returns figures by name."""

from collections.abc import Callable
from functools import partial

from tests.bench.bench import Bench, Figures
from tests.bench.sections.accepts import accepts
from tests.bench.sections.backlog import backlog
from tests.bench.sections.big_tables import big_tables
from tests.bench.sections.busy_endpoint import busy_endpoint
from tests.bench.sections.create import create, create_batch
from tests.bench.sections.idle import idle
from tests.bench.sections.imports import imports
from tests.bench.sections.lateness import burst_lateness, spread_lateness
from tests.bench.sections.start import memory, start
from tests.bench.sections.steady import cost, steady
from tests.bench.sections.tick import tick, tick_among

SECTIONS: dict[str, Callable[[Bench], Figures]] = {
    "accepts": partial(accepts, count=4_000),
    "steady": steady,
    "cost": partial(cost, count=4_000),
    "busy-endpoint": partial(busy_endpoint, count=12_000),
    "backlog": partial(backlog, count=5_000, endpoints=20),
    "backlog-one-endpoint": partial(backlog, count=5_000, endpoints=1),
    "create": partial(create, count=4_000),
    "create-batch": partial(create_batch, count=20_000),
    "tick": partial(tick, count=10_000),
    "tick-million": partial(tick_among, count=10_000, triggers=1_000_000),
    "big-tables": partial(big_tables, active=2_000_000, archived=10_000_000),
    "spread": spread_lateness,
    "burst-2000": partial(burst_lateness, count=2_000),
    "burst-10000": partial(burst_lateness, count=10_000),
    "imports": partial(imports, lines=1_000_000),
    "idle": idle,
    "start": start,
    "memory": memory,
}
