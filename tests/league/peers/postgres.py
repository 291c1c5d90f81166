"""Peers that keep their jobs in Postgres: the same server, with the same settings, as our own."""

from abc import abstractmethod

import psycopg

from local.services.postgres import Postgres
from tests.league.peers.base import STORE, Peer

DATABASE = "league"


class PostgresPeer(Peer):
    """A peer over a Postgres of its own."""

    @property
    def dsn(self) -> str:
        return self.postgres.dsn(DATABASE)

    def start_store(self) -> None:
        self.postgres = Postgres(self.folder / "postgres")
        self.postgres.start()
        self.postgres.ensure_database(DATABASE)
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """Make the peer's tables."""

    def stop(self) -> None:
        super().stop()
        self.postgres.stop()

    def pids(self) -> dict[str, int]:
        pid = self.postgres.pid
        return super().pids() | ({STORE: pid} if pid else {})

    def durability(self) -> str:
        names = ("fsync", "synchronous_commit")
        with psycopg.connect(self.dsn) as connection:
            values = [connection.execute(f"SHOW {name}".encode()).fetchone() for name in names]
        return ", ".join(
            f"{name}={value[0]}" for name, value in zip(names, values, strict=True) if value
        )

    def server_version(self) -> str:
        with psycopg.connect(self.dsn) as connection:
            return f"Postgres {connection.info.server_version // 10_000}.{connection.info.server_version % 10_000}"
