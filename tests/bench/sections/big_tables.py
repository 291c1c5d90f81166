"""The platform with millions of events: reads, accepting, delivering and retention beside an empty one."""

import json
import subprocess
import time
from datetime import UTC, datetime, timedelta

import httpx

from tests.bench.bench import PAYLOAD, Bench, Figures, load
from tests.bench.measure import cpu_seconds, cpu_used
from tests.bench.rows import multiply, uuid_of

TRIGGERS = 200
ARCHIVED_HOURS = 44
REQUESTS = 40
SEQUENTIAL = """
    SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_user_tables
     WHERE starts_with(relname, 'event_logs_')
"""
# What customers and operators read; `{trigger}` and `{event}` are there among millions.
READS = {
    "active list": "/api/v1/event-logs",
    "active, of a trigger": "/api/v1/event-logs?trigger_id={trigger}",
    "active, failures": "/api/v1/event-logs?status=failure",
    "active, second page": "/api/v1/event-logs?cursor={active}",
    "archived list": "/api/v1/event-logs?view=archived",
    "archived, of a trigger": "/api/v1/event-logs?view=archived&trigger_id={trigger}",
    "archived, failures": "/api/v1/event-logs?view=archived&status=failure",
    "archived, of a source": "/api/v1/event-logs?view=archived&source=api",
    "archived, second page": "/api/v1/event-logs?view=archived&cursor={archived}",
    "one event": "/api/v1/event-logs/{event}",
    "summary": "/api/v1/event-logs/summary",
    "project metrics": "/api/v1/metrics",
    "triggers": "/api/v1/triggers",
    "health": "/health",
    "Prometheus": "/metrics",
}


def big_tables(bench: Bench, active: int, archived: int, pace: int = 3_000) -> Figures:
    """p95 of every read, rows that sequential scans read, and rates beside those of an empty table."""
    empty = _pace(bench, pace)
    bench.forget()
    with bench.paused("scheduler"):
        began = time.monotonic()
        trigger = _fill(bench, active, archived)
        filled = (active + archived) / (time.monotonic() - began)
        bench.sql("ANALYZE")
        ((before,),) = bench.sql(SEQUENTIAL)
        reads = _reads(bench, trigger)
        ((after,),) = bench.sql(SEQUENTIAL)
        full = _pace(bench, pace)
        retention = _retention(bench, active // 4)
    bench.sql("TRUNCATE event_logs_archive")
    bench.forget()
    ratios = {f"{name}, ratio to empty": full[name] / empty[name] for name in full}
    scans = {"rows read by sequential scans": float(after - before)}
    return {"rows copied per_second": filled} | reads | scans | ratios | retention


def _fill(bench: Bench, active: int, archived: int) -> str:
    """Events of many triggers, one failure in a thousand; the id of one of the triggers."""
    load(bench.webhook("/big"), PAYLOAD, 1)
    _delivered(bench, 1)
    now = datetime.now(UTC)
    owner = uuid_of(f"n % {TRIGGERS}", prefix="abcd")
    changes = {
        "trigger_id": owner,
        "status": "CASE n % 1000 WHEN 7 THEN 'failure' ELSE 'success' END",
    }
    for name, count, end, hours in (
        ("active", active, now, 1.9),
        ("archive", archived, now - timedelta(hours=2), ARCHIVED_HOURS),
    ):
        at = f"timestamptz '{end.isoformat()}' - n * interval '{hours * 3600 / count:.9f} s'"
        times = dict.fromkeys(("fired_at", "scheduled_for", "completed_at"), at)
        if name == "archive":
            _make_partitions(bench, end)
        ids = {"id": uuid_of("n", prefix="aaaa" if name == "active" else "bbbb")}
        multiply(
            bench, "event_logs_active", count, changes | times | ids, into=f"event_logs_{name}"
        )
    ((trigger,),) = bench.sql("SELECT trigger_id::text FROM event_logs_archive LIMIT 1")
    return str(trigger)


def _make_partitions(bench: Bench, end: datetime) -> None:
    hour = end.replace(minute=0, second=0, microsecond=0)
    for n in range(ARCHIVED_HOURS + 2):
        start = hour - timedelta(hours=n)
        bench.sql(
            f"CREATE TABLE IF NOT EXISTS event_logs_archive_{start:%Y%m%d%H}"
            f" PARTITION OF event_logs_archive FOR VALUES FROM ('{start.isoformat()}')"
            f" TO ('{(start + timedelta(hours=1)).isoformat()}')"
        )


def _reads(bench: Bench, trigger: str) -> Figures:
    """p95 in ms of each read by one client."""
    cursors = {
        view: bench.platform.request("GET", f"/event-logs?view={view}").json()["next_cursor"]
        for view in ("active", "archived")
    }
    ((event,),) = bench.sql("SELECT id::text FROM event_logs_archive LIMIT 1")
    key = {"authorization": f"Bearer {bench.platform.api_key}"}
    with httpx.Client(base_url=bench.platform.url, headers=key, timeout=60) as client:
        return {
            f"{name}, p95_ms": _p95(client, path.format(trigger=trigger, event=event, **cursors))
            for name, path in READS.items()
        }


def _p95(client: httpx.Client, path: str) -> float:
    took: list[float] = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        answer = client.get(path)
        took.append((time.perf_counter() - began) * 1000)
        if path != "/health":  # the scheduler is paused, and health says so
            answer.raise_for_status()
    return sorted(took)[int(REQUESTS * 0.95)]


def _pace(bench: Bench, count: int) -> Figures:
    """Accepts/s without, and deliveries/s with a worker; CPU of Postgres for one of each."""
    with bench.paused("worker"):
        before = cpu_seconds(bench.services)
        accepts = load(bench.webhook("/pace"), PAYLOAD, count)["per_second"]
        accepting = cpu_used(before, cpu_seconds(bench.services))["postgres"]
        before, began = cpu_seconds(bench.services), time.monotonic()
    _delivered(bench, count)
    elapsed = time.monotonic() - began
    delivering = cpu_used(before, cpu_seconds(bench.services))["postgres"]
    return {
        "accepts per_second": accepts,
        "deliveries per_second": count / elapsed,
        "CPU of Postgres for an accept": accepting,
        "CPU of Postgres for claim and settle": delivering,
    }


def _delivered(bench: Bench, count: int, seconds: float = 300) -> None:
    """Wait until the newest trigger's events are delivered, whatever else is in the table."""
    query = """
        SELECT count(*) FROM event_logs_active
         WHERE status = 'success'
           AND trigger_id = (SELECT id FROM triggers ORDER BY created_at DESC LIMIT 1)
    """
    until = time.monotonic() + seconds
    while bench.sql(query)[0][0] < count:
        if time.monotonic() > until:
            raise TimeoutError(f"not {count} delivered within {seconds:.0f} s")
        time.sleep(0.05)


def _retention(bench: Bench, count: int) -> Figures:
    """Rows/s that one run archives."""
    late = "fired_at - interval '2 hours'"
    bench.sql(
        "UPDATE event_logs_active SET fired_at = "
        f"{late} WHERE id IN (SELECT id FROM event_logs_active WHERE status = 'success'"
        f" ORDER BY fired_at LIMIT {count})"
    )
    bench.sql("VACUUM event_logs_active")
    answer = subprocess.run(
        bench.platform.command("invoke", "retention"),
        env=bench.environment,
        capture_output=True,
        check=True,
    )
    moved = json.loads(answer.stdout)["moved"]
    ((took_ms,),) = bench.sql("SELECT duration_ms FROM heartbeats WHERE name = 'retention'")
    return {"moved": moved, "moved per_second": moved / took_ms * 1000}
