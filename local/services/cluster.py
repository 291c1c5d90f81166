"""A Postgres data directory: made by initdb, given its owner, cleared of a dead server."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psutil

from local.services.errors import PostgresError
from local.services.identity import Identity

SOCKET_FILE = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 107
"""Bytes; `sun_path` of a Unix socket's address less its closing zero (unix(7); macOS has 103)."""


def environment() -> dict[str, str]:
    """Ours in locale C, without PG* (PGPORT, for one, would move the server's socket)."""
    strange = ("PG", "LC_", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    return kept | {"LC_ALL": "C"}


def ensure_cluster(data_dir: Path, identity: Identity, *, durable: bool = True) -> None:
    """Make the cluster unless it exists, under another name first: no half-made one is ever used.

    Text is UTF-8 and sorts by code point (C.UTF-8), from Postgres's own tables on every platform.
    """
    if (data_dir / "PG_VERSION").exists():
        _hand_over(data_dir, identity)
        return
    fresh = data_dir.with_name(data_dir.name + ".init")
    shutil.rmtree(fresh, ignore_errors=True)
    own_directory(fresh, identity)
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-instructions"]
    options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += [] if durable else ["--no-sync"]
    command = identity.command("initdb", "-D", fresh, *options)
    made = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment(), cwd="/"
    )
    if made.returncode:
        raise PostgresError(f"initdb failed in {fresh}:\n{made.stderr[-2000:]}")
    fresh.rename(data_dir)


def socket_dir_for(data_dir: Path) -> Path:
    """The data directory, or a short one derived from it where the socket's path would not fit."""
    limit = SOCKET_PATH_LIMIT if os.uname().sysname == "Linux" else SOCKET_PATH_LIMIT - 4
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    short = f"triggerfish-{os.geteuid()}-{digest}"
    candidates = (data_dir, Path(tempfile.gettempdir(), short), Path("/tmp", short))
    return next(path for path in candidates if len(os.fsencode(path / SOCKET_FILE)) <= limit)


def own_directory(path: Path, identity: Identity) -> None:
    """Make `path`, closed to everybody else; refuses one that somebody else put there."""
    path.mkdir(mode=0o700, exist_ok=True)
    uid, gid = identity.owner or (os.geteuid(), os.getegid())
    if path.is_symlink() or path.stat().st_uid not in {uid, os.geteuid()}:
        raise PostgresError(f"{path} belongs to another user")
    if identity.owner:
        os.chown(path, uid, gid)


def live_postmaster(data_dir: Path) -> int | None:
    """The process id of the server that runs over `data_dir` now, whoever started it.

    The id in the pid file may be a zombie's, or have been given to another program since.
    """
    try:
        pid = int((data_dir / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(pid)
        dead = process.status() == psutil.STATUS_ZOMBIE or "postgres" not in process.name()
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None
    return None if dead else pid


def forget_dead_postmaster(data_dir: Path, socket_dir: Path) -> None:
    """Remove the pid files of a dead server; Postgres only asks whether some process has that id.

    Should a part of the old server live on, Postgres still sees its shared memory and refuses.
    """
    if live_postmaster(data_dir) is None:
        (data_dir / "postmaster.pid").unlink(missing_ok=True)
        (socket_dir / f"{SOCKET_FILE}.lock").unlink(missing_ok=True)


def _hand_over(data_dir: Path, identity: Identity) -> None:
    """Give a cluster that root made in a user namespace to the user that must run it now."""
    if identity.owner is None or data_dir.stat().st_uid == identity.owner[0]:
        return
    for path in (data_dir, *data_dir.rglob("*")):
        os.chown(path, *identity.owner, follow_symlinks=False)
