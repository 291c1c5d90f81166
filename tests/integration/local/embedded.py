"""The embedded Postgres as tests handle it: small and fast, in a process of its own if need be."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg

from local.services.postgres import Postgres

FAST = {"fsync": "off", "shared_buffers": "16MB"}
ROOT = Path(__file__).parents[3]


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
