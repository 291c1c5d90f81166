"""The database's password: however the database fails us, nobody is told it."""

import pytest
from typer.testing import CliRunner

from local.cli.host import free_port
from local.cli.main import app
from tests.integration.lanes import LANES, serving

PASSWORD = "canary-pass-word"


@pytest.mark.attack("secrets in logs, metrics, errors and other tenants' answers")
@pytest.mark.parametrize("lane", LANES)
async def test_no_answer_and_no_log_line_has_the_password_of_a_database_that_is_away(
    lane: str, capfd: pytest.CaptureFixture[str]
) -> None:
    url = f"postgresql+psycopg://somebody:{PASSWORD}@127.0.0.1:{free_port()}/none"
    async with serving(lane, url, {}) as api:
        answers = [
            await api.http.get(path)
            for path in ("/api/v1/triggers", "/health", "/health/ready", "/metrics")
        ]
    assert {answer.status_code for answer in answers} == {503}
    said = "".join(answer.text for answer in answers) + "".join(capfd.readouterr())
    assert PASSWORD not in said


@pytest.mark.attack("secrets in logs, metrics, errors and other tenants' answers")
def test_a_migration_that_fails_does_not_tell_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgresql+psycopg://somebody:{PASSWORD}@127.0.0.1:{free_port()}/none"
    monkeypatch.setenv("TRIGGERFISH_DATABASE_URL", url)
    monkeypatch.setenv("TRIGGERFISH_PLAIN_SECRETS", "1")
    result = CliRunner().invoke(app, ["migrate"])
    assert result.exit_code == 1
    assert result.exception is not None
    assert PASSWORD not in result.output + str(result.exception)
