"""The state directory: the key is made once and closed, the note is believed only while its platform lives."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cli import state
from local.cli.state import Platform, StateDir
from local.services.errors import AlreadyRunning
from triggerfish.domain.key_ring import parse_key_ring


@pytest.fixture
def where(tmp_path: Path) -> Iterator[StateDir]:
    where = StateDir(tmp_path / "deep" / "state")
    with where.held():
        yield where


def platform(where: StateDir, pid: int) -> Platform:
    return Platform(
        pid=pid,
        url="http://localhost:8080",
        api_key_file=str(where.api_key_file),
        database_url="postgresql+psycopg://postgres@/triggerfish",
        sqs_endpoint_url="http://127.0.0.1:9324",
        services={"gateway": 123},
        environment={"TRIGGERFISH_PORT": "8080"},
    )


def test_a_key_is_made_once_and_kept_for_its_owner_only(where: StateDir) -> None:
    key = where.ensure_api_key(None)
    assert key.startswith("tf_")
    assert len(key) > 40
    assert where.ensure_api_key(None) == key
    assert where.api_key_file.stat().st_mode & 0o777 == 0o600


def test_an_encryption_key_is_made_once_and_kept_for_its_owner_only(where: StateDir) -> None:
    kept = where.ensure_encryption_keys().read_text()
    assert parse_key_ring(kept).first == "k1"
    assert where.ensure_encryption_keys().read_text() == kept
    assert where.encryption_keys_file.stat().st_mode & 0o777 == 0o600


def test_a_given_key_replaces_the_kept_one(where: StateDir) -> None:
    where.ensure_api_key(None)
    assert where.ensure_api_key("mine") == where.ensure_api_key(None) == "mine"


def test_a_running_platform_is_found_with_its_key(where: StateDir) -> None:
    where.ensure_api_key("mine")
    where.announce(platform(where, os.getpid()))
    found = where.running()
    assert found
    assert found == platform(where, os.getpid())
    assert found.api_key() == "mine"
    where.withdraw()
    assert where.running() is None


def test_only_one_platform_holds_the_directory(where: StateDir) -> None:
    where.announce(platform(where, os.getpid()))
    with pytest.raises(AlreadyRunning), where.held():
        pass
    assert where.running()


def test_a_killed_platform_is_not_found(where: StateDir) -> None:
    where.announce(platform(where, pid=2**31 - 1))
    assert where.running() is None


def test_the_directory_is_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIGGERFISH_STATE_DIR", raising=False)
    assert state.find().path == tmp_path / ".triggerfish"
    monkeypatch.setenv("TRIGGERFISH_STATE_DIR", "elsewhere")
    assert state.find().path == tmp_path / "elsewhere"
