"""`triggerfish migrate --generate-key`: what compose runs first, and where its key comes from."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.cli.main import app
from triggerfish import wiring
from triggerfish.settings import Settings


@pytest.fixture
def ensured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The keys that migrations made sure of, in order; the database itself is left out."""
    keys: list[str] = []

    def migrate(settings: Settings) -> None:
        keys.append(settings.bootstrap_api_key)

    monkeypatch.setattr(wiring, "migrate", migrate)
    monkeypatch.setenv("TRIGGERFISH_DATABASE_URL", "postgresql+psycopg://nobody@localhost/none")
    monkeypatch.setenv("TRIGGERFISH_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("TRIGGERFISH_BOOTSTRAP_API_KEY", raising=False)
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


def test_without_the_option_no_key_is_made(ensured: list[str], tmp_path: Path) -> None:
    assert migrate() == ""
    assert ensured == [""]
    assert not (tmp_path / "state").exists()
