"""The embedded Postgres is stopped, killed and started twice: rows stay, no process does."""

import os
import signal
from pathlib import Path

import pytest

from local.services import cluster
from local.services.errors import AlreadyRunning
from local.services.postgres import Postgres
from tests.integration.local.embedded import (
    FAST,
    gone,
    platform,
    postmaster_of,
    remember,
    remembered,
    wait_until,
)


def test_a_restart_keeps_the_rows_and_leaves_no_process(place: Path) -> None:
    with Postgres(place / "data", settings=FAST) as server:
        remember(server, "first")
        first_pid = server.pid
    assert first_pid is not None
    assert gone(first_pid)
    with Postgres(place / "data", settings=FAST) as server:
        assert remembered(server) == ["first"]


def test_committed_rows_survive_a_killed_postmaster(place: Path) -> None:
    server = Postgres(place / "data", settings=FAST)
    server.start()
    remember(server, "kept")
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: server.pid is None)
    server.start()
    assert remembered(server) == ["kept"]
    server.stop()


def test_a_killed_platform_leaves_no_server_and_the_next_one_starts_at_once(place: Path) -> None:
    killed = platform(place / "data")
    postmaster = postmaster_of(killed)
    killed.kill()
    killed.communicate()
    with Postgres(place / "data", settings=FAST) as server:
        assert server.pid != postmaster
        assert gone(postmaster)


def test_platform_and_postmaster_killed_together_recover(place: Path) -> None:
    killed = platform(place / "data")
    postmaster = postmaster_of(killed)
    os.kill(postmaster, signal.SIGKILL)
    killed.kill()
    killed.communicate()
    with Postgres(place / "data", settings=FAST) as server:
        remember(server, "alive")
        assert remembered(server) == ["alive"]


def test_a_second_start_on_the_same_directory_names_the_first(place: Path) -> None:
    with Postgres(place / "data", settings=FAST):
        with pytest.raises(AlreadyRunning, match=f"already running, pid {os.getpid()}"):
            Postgres(place / "data").start()
        other = platform(place / "data")
        other.communicate()
        assert other.returncode == 1


def test_a_pid_file_that_names_a_stranger_does_not_block_the_start(place: Path) -> None:
    with Postgres(place / "data", settings=FAST) as server:
        pid_file = server.data_dir / "postmaster.pid"
        content = pid_file.read_text()
    pid_file.write_text("\n".join([str(os.getpid()), *content.splitlines()[1:]]))
    with Postgres(place / "data", settings=FAST) as server:
        assert server.is_ready()


def test_a_half_made_cluster_is_made_again(place: Path) -> None:
    (place / "data.init").mkdir()
    (place / "data.init" / "PG_VERSION").write_text("18")
    with Postgres(place / "data", settings=FAST) as server:
        assert server.is_ready()


def test_a_live_postmaster_is_told_from_a_dead_one(place: Path) -> None:
    with Postgres(place / "data", settings=FAST) as server:
        assert cluster.live_postmaster(server.data_dir) == server.pid
    assert cluster.live_postmaster(server.data_dir) is None
