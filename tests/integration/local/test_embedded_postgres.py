"""The embedded Postgres and its surroundings: odd paths, shell variables, settings, binaries."""

import time
from pathlib import Path

import psycopg
import pytest

from local.services import identity
from local.services.errors import PostgresError
from local.services.postgres import Postgres
from tests.integration.local.embedded import FAST, remember


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
    assert time.monotonic() - began < 50  # it would be waited for for a minute
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
