"""`triggerfish up` as a user meets it: started twice, stopped, killed, side by side, by anybody."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import Note
from tests.e2e.platform import (
    ELASTICMQ_URL,
    NOBODY,
    PYTHONPATH,
    Platform,
    folder,
    gone,
)
from tests.e2e.waiting import until

GONE_SECONDS = 30
"""The guard gives what a killed platform leaves 10 s to end by itself."""
SERVICES = {"postgres", "broker", "gateway", "scheduler", "worker"} - (
    {"broker"} if ELASTICMQ_URL else set()
)


@pytest.fixture
def place() -> Iterator[Path]:
    with folder() as path:
        yield path


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def leftovers(place: Path) -> list[psutil.Process]:
    """Processes that name this platform's directory in their command line or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values()]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if any(str(place) in word for word in words):
            found.append(process)
    return found


def test_ctrl_c_stops_everything_and_a_second_start_finds_the_first_ones_data(
    place: Path, note: Note
) -> None:
    with Platform(place) as first:
        note(f"up, first start: {first.start():.1f} s")
        assert set(first.note["services"]) == SERVICES
        trigger = first.create(
            type="api", name="kept", schema={}, endpoint={"url": "http://127.0.0.1:2/"}
        )
        key, processes = first.api_key, first.processes()
        first.stop(signal.SIGINT)
        assert gone(processes)
        assert leftovers(place) == []
        assert not listens(first.port)
        assert not (first.state_dir / "platform.json").exists()

    with Platform(place) as second:
        note(f"up, second start: {second.start():.1f} s")
        assert second.api_key == key
        assert second.request("GET", f"/triggers/{trigger['id']}").json()["name"] == "kept"
        killed_parent_leaves_no_orphan(second, place)


def killed_parent_leaves_no_orphan(one: Platform, place: Path) -> None:
    processes = one.processes()
    one.kill_parent()
    until(lambda: gone(processes), GONE_SECONDS, what="the orphans to end")
    assert leftovers(place) == []
    assert not listens(one.port)


def test_two_platforms_run_side_by_side_and_know_nothing_of_each_other(
    shared: Platform, hurried: Platform
) -> None:
    trigger = hurried.create(
        type="api", name="here only", schema={}, endpoint={"url": "http://127.0.0.1:2/"}
    )
    assert hurried.api_key != shared.api_key
    assert hurried.request("GET", f"/triggers/{trigger['id']}").status_code == 200
    assert shared.request("GET", f"/triggers/{trigger['id']}").status_code == 404
    foreign = {"Authorization": f"Bearer {hurried.api_key}"}
    assert shared.request("GET", "/triggers", headers=foreign).status_code == 401


def test_a_second_platform_in_the_same_directory_is_refused(shared: Platform) -> None:
    refused = subprocess.run(
        shared.command("up"),
        env={**shared.environment(), "TRIGGERFISH_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert f"is already running, pid {shared.pid}" in refused.stdout
    assert shared.request("GET", "/health/ready").status_code == 200


@pytest.mark.queue
def test_a_broker_is_started_only_where_no_queue_is_given(shared: Platform) -> None:
    assert set(shared.note["services"]) == SERVICES


def test_the_key_is_kept_for_its_owner_only(shared: Platform) -> None:
    for name in ("api-key", "platform.json"):
        assert stat.S_IMODE((shared.state_dir / name).stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_run_the_platform(place: Path) -> None:
    python = interpreter_open_to(NOBODY)
    if python is None:
        pytest.skip("this checkout, or Python, is closed to other users")
    os.chown(place, NOBODY, NOBODY)
    with Platform(place, user=NOBODY, python=python) as one:
        one.start()
        assert {process.uids().effective for process in one.processes()} == {NOBODY}
        assert one.request("GET", "/health").json()["status"] == "up"
        assert one.request("GET", "/triggers").json()["data"] == []
    assert leftovers(place) == []


def interpreter_open_to(user: int) -> str | None:
    """A Python of our version that this user may run with this checkout; root's own may be closed."""
    version = "python{}.{}".format(*sys.version_info)
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if can_import(python, user):
            return python
    return None


def can_import(python: str, user: int) -> bool:
    try:
        done = subprocess.run(
            [python, "-c", "import local.cli.main, psycopg, triggerfish.settings"],
            user=user,
            group=user,
            extra_groups=[],
            cwd="/",
            env={**os.environ, "PYTHONPATH": PYTHONPATH},
            capture_output=True,
            check=False,
        )
    except OSError:  # it may not even be run
        return False
    return done.returncode == 0
