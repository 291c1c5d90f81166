"""`triggerfish migrate --generate-key`: what compose runs first, and where its key comes from."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.cli.main import app
from tests.conftest import ENCRYPTION_KEYS
from triggerfish.settings import Settings
from triggerfish.wiring import upkeep


@pytest.fixture
def ensured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The keys that migrations made sure of, in order; the database itself is left out."""
    keys: list[str] = []

    async def prepare(settings: Settings, queues_are_new: bool) -> None:
        keys.append(settings.bootstrap_api_key)

    monkeypatch.setattr(upkeep, "upgrade", lambda url: None)
    monkeypatch.setattr(upkeep, "_prepare", prepare)
    monkeypatch.setenv("TRIGGERFISH_DATABASE_URL", "postgresql+psycopg://nobody@localhost/none")
    monkeypatch.setenv("TRIGGERFISH_STATE_DIR", str(tmp_path / "state"))
    for name in ("BOOTSTRAP_API_KEY", "ENCRYPTION_KEYS", "ENCRYPTION_KEYS_FILE"):
        monkeypatch.delenv(f"TRIGGERFISH_{name}", raising=False)
    return keys


def migrate(*options: str) -> str:
    result = CliRunner().invoke(app, ["migrate", *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_generated_key_is_shown_once_and_kept_closed(ensured: list[str], tmp_path: Path) -> None:
    first, second = migrate("--generate-key"), migrate("--generate-key")
    kept = tmp_path / "state" / "api-key"
    key = kept.read_text().strip()
    assert ensured == [key, key]
    assert key in first
    assert key not in second
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_given_key_is_used_and_not_shown(
    ensured: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGERFISH_BOOTSTRAP_API_KEY", "tf_mine")
    assert "tf_mine" not in migrate("--generate-key")
    assert ensured == ["tf_mine"]
    assert (tmp_path / "state" / "api-key").read_text() == "tf_mine\n"


@pytest.mark.attack("secrets: the first key and the encryption key")
def test_without_an_encryption_key_it_refuses_to_run_unless_told_so(
    ensured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = CliRunner().invoke(app, ["migrate"])
    assert refused.exit_code == 2
    assert "TRIGGERFISH_ENCRYPTION_KEYS" in refused.output
    assert ensured == []
    monkeypatch.setenv("TRIGGERFISH_PLAIN_SECRETS", "1")
    migrate()
    assert ensured == [""]


def test_an_encryption_key_is_kept_where_the_settings_want_it(
    ensured: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate("--generate-key")
    earlier = tmp_path / "state" / "encryption-keys"
    ring, wanted = earlier.read_text(), tmp_path / "keys"
    monkeypatch.setenv("TRIGGERFISH_ENCRYPTION_KEYS_FILE", str(wanted))
    migrate("--generate-key")
    assert wanted.read_text() == ring
    assert not earlier.exists()


def test_without_the_option_no_key_is_made(
    ensured: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGERFISH_ENCRYPTION_KEYS", ENCRYPTION_KEYS)
    migrate()
    assert ensured == [""]
    assert not (tmp_path / "state").exists()


def test_with_an_encryption_key_nothing_is_said(
    ensured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGERFISH_ENCRYPTION_KEYS", ENCRYPTION_KEYS)
    assert migrate() == ""


def test_an_encryption_key_is_made_once_where_none_is_given(
    ensured: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "state" / "encryption-keys"
    migrate("--generate-key")
    ring = kept.read_text()
    assert ring.startswith("k1:")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert ring not in migrate("--generate-key")
    assert kept.read_text() == ring
    kept.unlink()
    monkeypatch.setenv("TRIGGERFISH_ENCRYPTION_KEYS", ENCRYPTION_KEYS)
    migrate("--generate-key")
    assert not kept.exists()


def test_without_its_object_store_it_says_so_and_goes_on(
    ensured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGERFISH_OBJECT_STORE", "s3://uploads")
    monkeypatch.setenv("TRIGGERFISH_S3_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TRIGGERFISH_ENCRYPTION_KEYS", ENCRYPTION_KEYS)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    said = migrate()
    assert "No bucket for uploads in http://127.0.0.1:1: Could not connect" in said
    assert ensured == [""]
