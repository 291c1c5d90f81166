"""How late scheduled events arrive: spread, and many due in one second."""

from datetime import UTC, datetime, timedelta

from tests.bench.bench import Bench, Figures
from tests.bench.measure import peak_memory


def spread_lateness(bench: Bench, count: int = 100, seconds: int = 10) -> Figures:
    """Lateness of single firings, spread over some seconds on an idle platform."""
    start = datetime.now(UTC) + timedelta(seconds=15)
    for n in range(count):
        body = {
            "type": "scheduled",
            "name": "spread",
            "schedule": {"at": (start + timedelta(seconds=n * seconds / count)).isoformat()},
            "endpoint": {"url": f"{bench.receiver}/spread"},
        }
        bench.platform.request("POST", "/triggers", body).raise_for_status()
    bench.wait_for(count, 60)
    figures = _lateness(bench)
    bench.forget()
    return figures


def burst_lateness(bench: Bench, count: int) -> Figures:
    """Lateness of many triggers due in the same second, and the memory that it takes."""
    lead = timedelta(seconds=10 + count / 100)
    due = (datetime.now(UTC) + lead).replace(microsecond=0)
    bench.schedule(due, count)
    if datetime.now(UTC) > due - timedelta(seconds=4):
        raise RuntimeError("the triggers were not created in time")
    with peak_memory(bench.services) as peaks:
        bench.wait_for(count, lead.total_seconds() + 120)
    figures = _lateness(bench)
    bench.forget()
    return figures | {f"memory of {name}, MB": peak for name, peak in peaks.items()}


def _lateness(bench: Bench) -> Figures:
    """Arrival at the receiver less the time it was scheduled for, in ms."""
    due = dict(bench.sql("SELECT id::text, scheduled_for FROM event_logs_active"))
    late = sorted((times[0] - due[id].timestamp()) * 1000 for id, times in bench.arrivals().items())
    return {
        "early": float(sum(one < 0 for one in late)),
        "p50_ms": late[len(late) // 2],
        "p99_ms": late[int(len(late) * 0.99)],
        "max_ms": late[-1],
    }
