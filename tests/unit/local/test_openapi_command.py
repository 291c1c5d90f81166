"""`triggerfish openapi`: renews what is stale, and with --check only says so."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.cli import openapi
from local.cli.main import app
from local.cli.openapi import DOCUMENTED, SERVED


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose two documents are out of date."""
    monkeypatch.setattr(openapi, "PROJECT", tmp_path)
    monkeypatch.setattr(openapi, "rendered", lambda: {DOCUMENTED: "new\n", SERVED: "new"})
    for path in (DOCUMENTED, SERVED):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("old")
    return tmp_path


def test_check_names_what_is_stale_and_writes_nothing(checkout: Path) -> None:
    ran = CliRunner().invoke(app, ["openapi", "--check"])
    assert ran.exit_code == 1
    assert str(DOCUMENTED) in ran.output
    assert "make openapi" in ran.output
    assert (checkout / DOCUMENTED).read_text() == "old"


def test_the_command_writes_both_documents_and_then_has_nothing_to_do(checkout: Path) -> None:
    first = CliRunner().invoke(app, ["openapi"])
    assert first.exit_code == 0
    assert (checkout / DOCUMENTED).read_text() == "new\n"
    assert (checkout / SERVED).read_text() == "new"
    assert CliRunner().invoke(app, ["openapi"]).output == ""
    assert CliRunner().invoke(app, ["openapi", "--check"]).exit_code == 0
