"""The import section: a million lines through the whole platform, beside COPY of the same rows."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg

from tests.bench.bench import Bench, Figures
from tests.bench.measure import peak_memory

BAD_EVERY = 100
PATIENCE_SECONDS = 900.0
CHUNK = 1 << 20


def imports(bench: Bench, lines: int) -> Figures:
    """Lines/s and the worker's memory, of one import and of one whose worker is killed halfway."""
    path = bench.platform.folder / "import.jsonl"
    path.write_bytes(b"".join(_lines(lines)))
    with peak_memory(bench.services) as peaks:
        began = time.monotonic()
        job_id = _upload(bench, path)
        uploaded = time.monotonic() - began
        whole = _completed(bench, job_id, lines)
    reference = _copy(bench, job_id)
    _delete(bench, job_id)
    job_id = _upload(bench, path)
    while _job(bench, job_id)["percent"] < 50:
        time.sleep(0.02)
    bench.platform.kill("worker")
    killed = _completed(bench, job_id, lines)
    _delete(bench, job_id)
    rate = lines / _seconds(bench, whole)
    return {
        "file, MB": path.stat().st_size / 1e6,
        "upload, MB per second": path.stat().st_size / 1e6 / uploaded,
        "lines per_second": rate,
        "COPY of the same rows, per_second": reference,
        "ratio to COPY": rate / reference,
        "seconds with a worker killed": _seconds(bench, killed),
        "memory of worker, MB": peaks["worker"],
        "memory of gateway, MB": peaks["gateway"],
    }


def _lines(count: int) -> Iterator[bytes]:
    """About 200 bytes each; every hundredth lacks its timestamp."""
    for number in range(1, count + 1):
        entry: dict[str, Any] = {
            "level": "INFO",
            "message": f"request {number} done in {number % 997} ms for customer {number % 5003}",
            "service": "checkout",
            "attributes": {"request_id": f"{number:032x}", "status": 200},
        }
        if number % BAD_EVERY:
            entry["timestamp"] = f"2026-03-02T12:{number // 60 % 60:02}:{number % 60:02}Z"
        yield orjson.dumps(entry) + b"\n"


def _upload(bench: Bench, path: Path) -> str:
    with path.open("rb") as file:
        answer = httpx.post(
            f"{bench.platform.url}/api/v1/files/upload",
            headers={"authorization": f"Bearer {bench.platform.api_key}"},
            files={"file": (path.name, file)},
            timeout=PATIENCE_SECONDS,
        )
    return str(answer.raise_for_status().json()["job_id"])


def _job(bench: Bench, job_id: str) -> dict[str, Any]:
    answer = bench.platform.request("GET", f"/jobs/{job_id}")
    return dict(answer.raise_for_status().json())


def _completed(bench: Bench, job_id: str, lines: int) -> dict[str, Any]:
    """The job at its end, which must have counted every line once."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (job := _job(bench, job_id))["status"] != "completed":
        if job["status"] == "failed" or time.monotonic() > until:
            raise RuntimeError(f"the import did not complete: {job}")
        time.sleep(0.2)
    bad = lines // BAD_EVERY
    counted = {"total": lines, "accepted": lines - bad, "rejected": bad}
    ((stored,),) = bench.sql("SELECT count(*) FROM log_entries WHERE job_id = %s", job_id)
    if job["lines"] != counted or stored != lines - bad:
        raise RuntimeError(f"the counts are wrong: {job['lines']}, stored {stored}")
    return job


def _seconds(bench: Bench, job: dict[str, Any]) -> float:
    ((seconds,),) = bench.sql(
        "SELECT extract(epoch FROM %s::timestamptz - %s::timestamptz)::float8",
        job["completed_at"],
        job["started_at"],
    )
    return float(seconds)


def _copy(bench: Bench, job_id: str) -> float:
    """Rows/s of one COPY of the import's rows, ready-made, into a table like theirs: the limit."""
    with psycopg.connect(bench.dsn) as connection:
        chosen = "SELECT * FROM log_entries WHERE job_id = %s"
        with connection.cursor().copy(f"COPY ({chosen}) TO STDOUT", (job_id,)) as copy:
            rows = b"".join(bytes(block) for block in copy)
        connection.execute("CREATE TABLE reference (LIKE log_entries INCLUDING ALL)")
        began = time.monotonic()
        with connection.cursor().copy("COPY reference FROM STDIN") as copy:
            for start in range(0, len(rows), CHUNK):
                copy.write(rows[start : start + CHUNK])
        elapsed = time.monotonic() - began
        connection.execute("DROP TABLE reference")
    return rows.count(b"\n") / elapsed


def _delete(bench: Bench, job_id: str) -> None:
    bench.platform.request("DELETE", f"/jobs/{job_id}").raise_for_status()
