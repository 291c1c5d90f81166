"""Delivering a backlog, and the CPU time of one delivery by stage."""

import json
import signal
import subprocess

from tests.bench.bench import PAYLOAD, Bench, Figures, load
from tests.bench.measure import cpu_seconds, cpu_used
from tests.bench.processes import sampled_worker


def backlog(bench: Bench, count: int, endpoints: int) -> Figures:
    """Deliveries/s from the first outcome to the last, and the CPU time of one by stage.

    The CPU time counts the worker's start and its imports too, spread over all deliveries.
    """
    with bench.paused("worker"):
        for n in range(endpoints):
            load(bench.webhook(f"/backlog/{n}"), PAYLOAD, count // endpoints)
        before = cpu_seconds(bench.services)
        stages = _sampled_worker(bench, count)
        elapsed = stages.pop("elapsed")
        used = cpu_used(before, cpu_seconds(bench.services))
    bench.wait_for(count, 60)
    bench.forget()
    stages["queue"] += used["broker"]
    stages["SQL"] += used["postgres"]
    figures = {f"CPU {stage}, ms": seconds / count * 1000 for stage, seconds in stages.items()}
    figures["CPU in all, ms"] = sum(figures.values())
    return {"deliveries per_second": count / elapsed, **figures}


def _sampled_worker(bench: Bench, count: int) -> Figures:
    """Run one sampled worker until all is delivered; its CPU seconds by stage, and the time."""
    out = bench.platform.folder / "stages.json"
    template = bench.platform.root / "infra" / "template.yaml"
    process = subprocess.Popen(
        [bench.platform.python, "-P", sampled_worker.__file__, str(out), str(template)],
        env=bench.environment,
        stderr=subprocess.DEVNULL,
    )
    query = "SELECT min(completed_at), max(completed_at) FROM event_logs_active"
    try:
        bench.wait_for(count, 300)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    first, last = bench.sql(query)[0]
    sampled: Figures = json.loads(out.read_text())
    nothing: Figures = dict.fromkeys(("queue", "SQL", "HTTP", "own code"), 0.0)
    return nothing | sampled | {"elapsed": (last - first).total_seconds()}
