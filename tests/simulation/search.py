"""Many seeds on every core, until one fails."""

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from local.services.postgres import Postgres
from tests.simulation.database import Storage
from tests.simulation.report import describe
from tests.simulation.run import Result, simulate
from triggerfish.adapters.db.migrate import upgrade

CHUNK = 20
LINE_SECONDS = 10.0


@contextmanager
def server() -> Iterator[Postgres]:
    settings = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    with (
        TemporaryDirectory(prefix="simulation-") as folder,
        Postgres(Path(folder) / "data", settings=settings) as postgres,
    ):
        with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE simulation_template")
        upgrade(postgres.url("simulation_template"))
        yield postgres


def search(seeds: range, postgres: Postgres, *, every_slot: bool) -> int:
    """Run seeds until one fails; the exit code says whether one did."""
    began, done = time.monotonic(), 0
    said_at = began
    processes = min(os.cpu_count() or 1, len(seeds))
    urls = [database(postgres, f"simulation_{number}") for number in range(processes)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
        jobs = [(chunk, urls, every_slot) for chunk in chunks]
        for ran, failure in pool.imap_unordered(run_chunk, jobs):
            done += ran
            if failure is not None:
                print(describe(failure))
                return 1
            if time.monotonic() - said_at > LINE_SECONDS:
                said_at = time.monotonic()
                print(f"{done} of {len(seeds)} seeds, {done / (said_at - began):.1f} a second")
                sys.stdout.flush()
    seconds = time.monotonic() - began
    print(f"{done} seeds, nothing lost: {seconds:.0f} s, {done / seconds:.1f} a second")
    return 0


def run_chunk(job: tuple[range, list[str], bool]) -> tuple[int, Result | None]:
    """How many seeds ran, and the first that failed. Each process keeps to a database of its own."""
    seeds, urls, every_slot = job
    [number] = multiprocessing.current_process()._identity
    storage = Storage(urls[(number - 1) % len(urls)])
    try:
        for ran, seed in enumerate(seeds, 1):
            result = simulate(seed, storage, every_slot=every_slot)
            if result.error is not None:
                return ran, result
        return len(seeds), None
    finally:
        storage.close()


def database(postgres: Postgres, name: str) -> str:
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE simulation_template".encode())
    return postgres.url(name)
