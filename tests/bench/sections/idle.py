"""What the platform takes while nothing is due."""

import time
from datetime import UTC, datetime, timedelta

from tests.bench.bench import Bench, Figures
from tests.bench.measure import cpu_seconds, cpu_used


def idle(bench: Bench, triggers: int = 10_000, seconds: float = 30.0) -> Figures:
    """CPU of the whole platform with many future triggers and nothing due, in % of one core."""
    bench.schedule(datetime.now(UTC) + timedelta(days=1), triggers)
    time.sleep(10)
    services = bench.services | {"supervisor": bench.platform.pid}
    names = [name for name in services if name != "supervisor"]
    before, started = cpu_seconds(services), time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - started
    used = cpu_used(before, cpu_seconds(services))
    used["supervisor"] -= sum(used[name] for name in names)  # its children are counted by name
    figures = {f"CPU of {name}, %": used[name] / elapsed * 100 for name in services}
    figures["CPU in all, %"] = sum(figures.values())
    bench.forget()
    return figures
