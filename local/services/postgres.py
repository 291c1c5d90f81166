"""A Postgres server of our own in one directory: made, started, found again and stopped. Unix socket only, no TCP."""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from local.services.identity import Identity, PostgresError, choose
from local.services.lock import AlreadyRunning, Lock

PORT = 5432
"""Only names the socket file, so it is the same for every server."""
SOCKET_PATH_LIMIT = 107
LOG_BYTES = 10_000_000
TAKEOVER_SECONDS = 10.0
"""How long a server of a killed platform may take to be gone."""
DEFAULTS = {
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "max_connections": "100",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_STILL_THERE = ("lock file", "pre-existing shared memory block", "still in use")


class Postgres:
    """One server over `data_dir`, which is made on the first start and keeps its rows across starts.

    `settings` are server settings that win over `DEFAULTS`. Start it from the main thread: on Linux it ends with
    the thread that started it, so that a killed platform leaves no server behind.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] | None = None,
        log_file: Path | None = None,
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.log_file = log_file or self._beside(".log")
        self.socket_dir = _socket_dir(self.data_dir)
        self._settings = DEFAULTS | dict(settings or {})
        self._lock = Lock(self._beside(".lock"), f"Postgres in {self.data_dir}")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and running else None

    def url(self, database: str = "postgres", driver: str = "postgresql+psycopg") -> str:
        """The SQLAlchemy URL of a database of this server."""
        return f"{driver}://postgres@/{quote(database)}?host={quote(str(self.socket_dir), safe='/')}&port={PORT}"

    def dsn(self, database: str = "postgres") -> str:
        """The libpq URI of a database of this server, for psycopg and psql."""
        return self.url(database, driver="postgresql")

    def start(self, timeout: float = 60.0) -> None:
        """Start the server and wait until it takes connections, recovery after a crash included.

        `timeout` in seconds. Raises `AlreadyRunning` when another platform uses the directory, else `PostgresError`
        with the end of the server's log.
        """
        began = time.monotonic()
        self.spawn()
        while not self.is_ready():
            waited = time.monotonic() - began
            if self.pid is None:
                self._explain_exit(waited)
                time.sleep(0.2)
                self.spawn()
            elif waited > timeout:
                self.stop()
                raise PostgresError(
                    f"Postgres was not ready after {timeout:g} s:\n{self._log_tail()}"
                )
            time.sleep(0.01)

    def stop(self, timeout: float = 30.0) -> None:
        """Stop the server fast but cleanly (running statements are cancelled); after `timeout` seconds, hard."""
        if self._process is not None:
            for signal_number, patience in (
                (signal.SIGINT, timeout),
                (signal.SIGQUIT, 5.0),
                (signal.SIGKILL, 5.0),
            ):
                if _ended(self._process, signal_number, patience):
                    break
            self._process = None
        if self.socket_dir != self.data_dir:
            shutil.rmtree(self.socket_dir, ignore_errors=True)
        self._lock.release()

    def ensure_database(self, name: str) -> None:
        """Create the database `name` unless it exists."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server without waiting until it is ready; the first time, make its directory."""
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        try:
            identity = choose(self.data_dir)
            self._initialise(identity)
            _own_directory(self.socket_dir, identity)
            _forget_dead_postmaster(self.data_dir / "postmaster.pid")
            self._process = self._run_server(identity)
        except BaseException:
            self._lock.release()
            raise
        return self._process

    def is_ready(self) -> bool:
        """Whether the server takes connections. The postmaster says so on line 8 of its pid file, as pg_ctl reads it."""
        try:
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _beside(self, suffix: str) -> Path:
        return self.data_dir.with_name(self.data_dir.name + suffix)

    def _initialise(self, identity: Identity) -> None:
        """Make the cluster under another name first, so that a half-made one is never used."""
        if (self.data_dir / "PG_VERSION").exists():
            _own_files(self.data_dir, identity)
            return
        fresh = self._beside(".init")
        shutil.rmtree(fresh, ignore_errors=True)
        _own_directory(fresh, identity)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-instructions", "--locale=C"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options += ["--no-sync"] if self._settings.get("fsync") == "off" else []
        made = subprocess.run(
            identity.command("initdb", "-D", fresh, *options),
            check=False, capture_output=True, text=True, env=_environment(), cwd="/",
        )  # fmt: skip
        if made.returncode:
            raise PostgresError(f"initdb failed in {fresh}:\n{made.stderr[-2000:]}")
        fresh.rename(self.data_dir)

    def _run_server(self, identity: Identity) -> subprocess.Popen[bytes]:
        settings = self._settings | {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self.socket_dir}"',
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = identity.command(
            "postgres", "-D", self.data_dir, "-p", str(PORT), *options, death_signal=signal.SIGINT
        )
        with self._open_log() as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(), cwd="/",
                start_new_session=True,  # Ctrl-C is for the platform, which stops its database last
            )  # fmt: skip

    def _open_log(self) -> IO[bytes]:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_BYTES:
            self.log_file.replace(self.log_file.with_name(self.log_file.name + ".1"))
        return self.log_file.open("ab")

    def _explain_exit(self, waited: float) -> None:
        """Raise, unless the server of a killed platform may just be on its way out."""
        tail = self._log_tail()
        self._lock.release()
        if not any(sign in tail for sign in _STILL_THERE):
            raise PostgresError(f"Postgres did not start:\n{tail}")
        if waited > TAKEOVER_SECONDS:
            pid = (self.data_dir / "postmaster.pid").read_text().split()[0]
            raise AlreadyRunning(f"Postgres in {self.data_dir}", int(pid))

    def _log_tail(self) -> str:
        return self.log_file.read_text(errors="replace")[-2000:] if self.log_file.exists() else ""


def _environment() -> dict[str, str]:
    """Ours without PG*, which would leak into the server (PGPORT moves its socket), and with the plain locale."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_", "LANG"))
    }
    return kept | {"LC_ALL": "C"}


def _socket_dir(data_dir: Path) -> Path:
    """The data directory, or a short one derived from it where the socket's path would be too long for the kernel."""
    if len(os.fsencode(data_dir / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT:
        return data_dir
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    name = f"triggerfish-{os.geteuid()}-{digest}"
    roomy = len(tempfile.gettempdir()) + len(name) < SOCKET_PATH_LIMIT - 20
    return Path(tempfile.gettempdir() if roomy else "/tmp", name)


def _own_directory(path: Path, identity: Identity) -> None:
    """Make `path`, readable by nobody else; refuses one that somebody else put there."""
    path.mkdir(mode=0o700, exist_ok=True)
    uid, gid = identity.owner or (os.geteuid(), os.getegid())
    if path.is_symlink() or path.lstat().st_uid not in {uid, os.geteuid()}:
        raise PostgresError(f"{path} belongs to another user")
    if identity.owner:
        os.chown(path, uid, gid)


def _own_files(data_dir: Path, identity: Identity) -> None:
    """Hand a cluster that root made in a user namespace to the user that must run it now."""
    if identity.owner is None or data_dir.stat().st_uid == identity.owner[0]:
        return
    for path in (data_dir, *data_dir.rglob("*")):
        os.chown(path, *identity.owner, follow_symlinks=False)


def _forget_dead_postmaster(pid_file: Path) -> None:
    """Remove the pid file when its process id is a zombie's or was given to another program since.

    Postgres only asks whether some process has that id. Should a part of the old server live on after all, Postgres
    still sees its shared memory and refuses.
    """
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        alive = process.status() != psutil.STATUS_ZOMBIE and "postgres" in process.name()
    except FileNotFoundError:
        return
    except psutil.NoSuchProcess:
        alive = False
    if not alive:
        pid_file.unlink()


def _ended(process: subprocess.Popen[bytes], signal_number: int, patience: float) -> bool:
    process.send_signal(signal_number)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        return False
    return True
