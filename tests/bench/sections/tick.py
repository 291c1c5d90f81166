"""One tick with many triggers due."""

import json
import os
import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from tests.bench.bench import Bench, Figures
from tests.bench.measure import cpu_seconds, cpu_used


def tick(bench: Bench, count: int) -> Figures:
    """Occurrences/s of one tick: claimed, written as events, advanced, and their messages sent.

    The CPU time counts the start of the tick's process too, spread over all occurrences.
    """
    due = datetime.now(UTC) + timedelta(minutes=10)
    bench.schedule(due, count)
    with bench.paused("scheduler", "worker"):
        before, own = cpu_seconds(bench.services), resource.getrusage(resource.RUSAGE_CHILDREN)
        answer = subprocess.run(
            [sys.executable, "-m", "local.cli", "invoke", "tick", "-e", "-"],
            input=b'{"horizon_seconds": 900}',
            env=os.environ | bench.platform.note["environment"],
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
