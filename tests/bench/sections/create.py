"""Creating triggers."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bench.bench import Bench, Figures, load
from tests.bench.measure import cpu_seconds, cpu_used

CALLERS = 16
BATCH = 1_000


def create(bench: Bench, count: int) -> Figures:
    """Scheduled triggers/s by 16 callers that make one each, and the CPU time of one."""
    return _created(bench, "", _definition(bench), count, callers=CALLERS)


def create_batch(bench: Bench, count: int) -> Figures:
    """The same by one caller, a thousand in each request."""
    body = {"triggers": [_definition(bench)] * BATCH}
    return _created(bench, "/batch", body, count, callers=1, each=BATCH)


def _definition(bench: Bench) -> dict[str, Any]:
    at = datetime.now(UTC) + timedelta(days=1)
    return {
        "type": "scheduled",
        "name": "created",
        "schedule": {"at": at.isoformat()},
        "endpoint": {"url": f"{bench.receiver}/created"},
        "payload": {"id": 1},
    }


def _created(
    bench: Bench, path: str, body: dict[str, Any], count: int, *, callers: int, each: int = 1
) -> Figures:
    url, key = f"{bench.platform.url}/api/v1/triggers{path}", bench.platform.api_key
    before = cpu_seconds(bench.services)
    figures = load(url, json.dumps(body), count // each, key, connections=callers)
    used = cpu_used(before, cpu_seconds(bench.services))
    ((stored,),) = bench.sql("SELECT count(*) FROM triggers")
    if stored != count:
        raise RuntimeError(f"{stored} triggers were created instead of {count}")
    bench.forget()
    cpu = {f"CPU {name}, ms": used[name] / count * 1000 for name in ("gateway", "postgres")}
    return figures | {"per_second": figures["per_second"] * each} | cpu
