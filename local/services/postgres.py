"""A Postgres server of our own over one directory: started, found ready, stopped.

Unix socket only, no TCP, no password: the socket's directory is closed to other users.
"""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from local.services import cluster, logs
from local.services.errors import AlreadyRunning, PostgresError
from local.services.identity import Identity, choose
from local.services.lifeline import Lifeline
from local.services.lock import Lock

PORT = 5432
"""Only part of the socket file's name, so it is the same for every server."""
TAKEOVER_SECONDS = 10.0
"""How long the server of a killed platform may take to be gone."""
DEFAULTS = {
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "max_connections": "100",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
STOPPING = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
"""Fast shutdown, immediate shutdown, the axe; each with its patience in seconds."""
_STILL_THERE = ('lock file "postmaster.pid" already exists', "pre-existing shared memory block")


class Postgres:
    """One server over `data_dir`, which the first start makes and which keeps its rows.

    `settings` win over `DEFAULTS`. On Linux the server ends with the *thread* that started it, so
    start it from the main thread; a killed platform then leaves no server behind.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] | None = None,
        log_file: Path | None = None,
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.socket_dir = cluster.socket_dir_for(self.data_dir)
        self.log_file = log_file or self.data_dir.with_name(self.data_dir.name + ".log")
        self._settings = DEFAULTS | dict(settings or {})
        lock_file = self.data_dir.with_name(self.data_dir.name + ".lock")
        self._lock = Lock(lock_file, f"Postgres in {self.data_dir}")
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: Lifeline | None = None
        self._log_start = 0

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
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def url(self, database: str = "postgres", driver: str = "postgresql+psycopg") -> str:
        """The SQLAlchemy URL of a database of this server."""
        place = quote(str(self.socket_dir), safe="/")
        return f"{driver}://postgres@/{quote(database)}?host={place}&port={PORT}"

    def dsn(self, database: str = "postgres") -> str:
        """The libpq URI of a database of this server, for psycopg and psql."""
        return self.url(database, driver="postgresql")

    def start(self, timeout: float = 60.0) -> None:
        """Start the server and wait until it takes connections, recovery after a crash included.

        `timeout` in seconds. Raises `AlreadyRunning` when another platform uses the directory,
        `PostgresError` with the end of the server's log otherwise.
        """
        began = time.monotonic()
        self.spawn()
        while not self.is_ready():
            waited = time.monotonic() - began
            if self.pid is None:
                self._raise_unless_taking_over(waited)
                time.sleep(0.2)
                self.spawn()
            elif waited > timeout:
                said = logs.tail(self.log_file, since=self._log_start)
                self.stop()
                raise PostgresError(f"Postgres was not ready after {timeout:g} s:\n{said}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server, cleanly if it can: running statements are cancelled, commits kept."""
        if self._process is not None:
            for signal_number, patience in STOPPING:
                self._process.send_signal(signal_number)
                if _ended(self._process, patience):
                    break
        self._forget_process()

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server without waiting until it is ready; the first time, make the cluster."""
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        try:
            identity = choose(self.data_dir)
            durable = self._settings.get("fsync") != "off"
            cluster.ensure_cluster(self.data_dir, identity, durable=durable)
            cluster.own_directory(self.socket_dir, identity)
            cluster.forget_dead_postmaster(self.data_dir, self.socket_dir)
            self._process = self._run_server(identity)
        except BaseException:
            self._lock.release()
            raise
        if sys.platform != "linux":  # where the kernel does not end it with us
            self._lifeline = self._lifeline or Lifeline()
            self._lifeline.hold(self._process.pid, signal.SIGINT)
        return self._process

    def is_ready(self) -> bool:
        """Whether the server takes connections: line 8 of its pid file, as pg_ctl reads it."""
        try:
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def ensure_database(self, name: str) -> None:
        """Create the database `name` unless it exists."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            known = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(known, (name,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _run_server(self, identity: Identity) -> subprocess.Popen[bytes]:
        sockets = {"listen_addresses": "", "unix_socket_directories": f'"{self.socket_dir}"'}
        settings = (self._settings | sockets).items()
        options = [part for name, value in settings for part in ("-c", f"{name}={value}")]
        place = ("-D", str(self.data_dir), "-p", str(PORT))
        with logs.open_to_append(self.log_file) as log:
            self._log_start = log.tell()
            return subprocess.Popen(
                identity.command("postgres", *place, *options, death_signal=signal.SIGINT),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=cluster.environment(),
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the platform, which stops it last
            )

    def _raise_unless_taking_over(self, waited: float) -> None:
        """The server ended. That is fine for a while if a killed platform's server is going."""
        said = logs.tail(self.log_file, since=self._log_start)
        if any(sign in said for sign in _STILL_THERE) and waited < TAKEOVER_SECONDS:
            return
        other = cluster.live_postmaster(self.data_dir)
        self._forget_process()
        if other:
            raise AlreadyRunning(f"Postgres in {self.data_dir}", other)
        raise PostgresError(f"Postgres did not start:\n{said}")

    def _forget_process(self) -> None:
        self._process = None
        if self._lifeline:
            self._lifeline.close()
            self._lifeline = None
        if self.socket_dir != self.data_dir:
            shutil.rmtree(self.socket_dir, ignore_errors=True)
        self._lock.release()


def _ended(process: subprocess.Popen[bytes], patience: float) -> bool:
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        return False
    return True
