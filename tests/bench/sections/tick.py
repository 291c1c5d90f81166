"""One tick with many triggers due."""

import json
import resource
import subprocess
from datetime import UTC, datetime, timedelta

from tests.bench.bench import ENDPOINTS, Bench, Figures
from tests.bench.measure import cpu_seconds, cpu_used
from tests.bench.rows import multiply, uuid_of

TIMES = ("next_occurrence_at", "next_fire_at")


def tick_among(bench: Bench, count: int, triggers: int) -> Figures:
    """The same with many more triggers that are not due, and how fast those were copied."""
    bench.schedule(datetime.now(UTC) + timedelta(days=2), ENDPOINTS)
    revision = uuid_of("n", prefix="eeee")
    multiply(bench, "trigger_revisions", triggers, {"id": revision, "trigger_id": revision})
    later = f"one.next_fire_at + n * interval '{30 * 86_400 / triggers} s'"
    changes = {"id": revision, "revision_id": revision}
    multiply(bench, "triggers", triggers, changes | dict.fromkeys(TIMES, later))
    bench.sql("ANALYZE triggers, trigger_revisions")
    figures = tick(bench, count)
    bench.sql("DELETE FROM trigger_revisions WHERE trigger_id NOT IN (SELECT id FROM triggers)")
    return figures


def tick(bench: Bench, count: int) -> Figures:
    """Occurrences/s of one tick: claimed, written as events, advanced, and their messages sent.

    The CPU time counts the start of the tick's process too, spread over all occurrences.
    """
    due = datetime.now(UTC) + timedelta(minutes=10)
    bench.schedule(due, count)
    with bench.paused("scheduler", "worker"):
        before, own = cpu_seconds(bench.services), resource.getrusage(resource.RUSAGE_CHILDREN)
        answer = subprocess.run(
            bench.platform.command("invoke", "tick", "-e", "-"),
            input=b'{"horizon_seconds": 900}',
            env=bench.environment,
            capture_output=True,
            check=True,
        )
        used = cpu_used(before, cpu_seconds(bench.services))
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        ((took_ms,),) = bench.sql("SELECT duration_ms FROM heartbeats WHERE name = 'tick'")
    fired = json.loads(answer.stdout)["fired"]
    bench.forget()
    seconds = {
        "tick": ended.ru_utime + ended.ru_stime - own.ru_utime - own.ru_stime,
        "postgres": used["postgres"],
        "broker": used["broker"],
    }
    cpu = {f"CPU {name}, ms": spent / fired * 1000 for name, spent in seconds.items()}
    took = {"seconds": took_ms / 1000, "occurrences per_second": fired / took_ms * 1000}
    return {"fired": fired, **took, **cpu}
