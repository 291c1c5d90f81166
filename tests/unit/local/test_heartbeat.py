"""The heartbeat file: touched when asked to be, judged by its age."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.runtime.heartbeat import HEARTBEAT_FILE, beat_of, find_fault


def check(path: Path) -> subprocess.CompletedProcess[str]:
    """The health check as a container runs it, with 30 s of patience."""
    return subprocess.run(
        [sys.executable, "-m", "local.runtime.heartbeat", "30"],
        env={**os.environ, HEARTBEAT_FILE: str(path)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_a_beat_makes_and_renews_the_file(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat"
    beat = beat_of({HEARTBEAT_FILE: str(path)})
    beat()
    os.utime(path, (1, 1))
    beat()
    assert path.stat().st_mtime > 1


def test_nothing_is_written_when_nobody_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    beat_of({})()
    beat_of({HEARTBEAT_FILE: ""})()
    assert not list(tmp_path.iterdir())


def test_a_process_is_judged_by_its_last_beat(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat"
    assert find_fault(str(path), now=100, patience_seconds=30) == "has not worked yet"
    path.touch()
    os.utime(path, (70, 70))
    assert find_fault(str(path), now=100, patience_seconds=30) is None
    assert find_fault(str(path), now=101, patience_seconds=30) == "last worked 31 s ago"


def test_the_check_exits_with_1_and_the_reason_only_when_something_is_wrong(
    tmp_path: Path,
) -> None:
    path = tmp_path / "heartbeat"
    missing = check(path)
    assert (missing.returncode, missing.stderr) == (1, "has not worked yet\n")
    path.touch()
    assert check(path).returncode == 0
