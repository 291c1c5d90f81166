"""Services that are forks: processes of their own, which share nothing but what was imported."""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.services.forked import Forked, forked
from triggerfish.adapters.ids import SystemIds

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")


def spawned(run: Callable[[], object], tmp_path: Path, **env: str) -> tuple[Forked, Path]:
    log = tmp_path / "service.log"
    return forked(run, env=env, log_file=log)(), log


def test_it_has_its_own_session_environment_and_log(tmp_path: Path) -> None:
    def run() -> None:
        print(os.getsid(0) == os.getpid(), dict(os.environ), sys.stdin.read())

    process, log = spawned(run, tmp_path, ONLY="this")
    assert os.getsid(process.pid) == process.pid
    assert process.wait() == 0
    assert log.read_text() == "True {'ONLY': 'this'} \n"
    assert os.environ.get("ONLY") is None


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        (lambda: sys.exit(3), 3, ""),
        (lambda: sys.exit("bad settings"), 1, "bad settings"),
        (lambda: 1 / 0, 1, "ZeroDivisionError"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), -signal.SIGKILL, ""),
    ],
    ids=["exit code", "message", "error", "signal"],
)
def test_its_end_is_told_as_that_of_any_program(
    end: Callable[[], object], code: int, said: str, tmp_path: Path
) -> None:
    process, log = spawned(end, tmp_path)
    assert process.wait() == code
    assert process.poll() == process.returncode == code
    assert said in log.read_text()


def test_it_holds_no_file_of_ours(tmp_path: Path) -> None:
    """A lock or the guard's pipe that a service kept open would outlive us."""
    kept = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)

    def run() -> None:
        print(sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1])

    process, log = spawned(run, tmp_path)
    assert process.wait() == 0
    assert log.read_text() == "[0, 1, 2]\n"
    os.close(kept)


def test_a_signal_right_after_the_start_ends_it_though_we_handle_signals(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        for _ in range(20):
            process, _ = spawned(lambda: time.sleep(60), tmp_path)
            os.kill(process.pid, signal.SIGTERM)
            ended = threading.Timer(10, os.kill, (process.pid, signal.SIGKILL))
            ended.start()
            assert process.wait() == -signal.SIGTERM
            ended.cancel()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_forks_of_one_process_draw_different_ids(tmp_path: Path) -> None:
    ids = SystemIds()
    ids.token()  # what was drawn before makes no difference
    ids.uuid7(datetime(2026, 1, 1, tzinfo=UTC))

    def run() -> None:
        drawn = SystemIds()
        at = datetime(2026, 1, 1, tzinfo=UTC)
        print(drawn.uuid7(at), drawn.token(), drawn.signing_secret(), random.random())

    for _ in range(4):
        process, log = spawned(run, tmp_path)
        assert process.wait() == 0
    lines = log.read_text().splitlines()
    columns = list(zip(*(line.split() for line in lines), strict=True))
    assert len(lines) == 4
    assert all(len(set(column)) == 4 for column in columns)
