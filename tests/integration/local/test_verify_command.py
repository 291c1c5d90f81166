"""`triggerfish verify`: a table or JSON, the rules that are broken, and an exit code for scripts."""

import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from local.cli.main import app
from tests import functions
from tests.factories import an_api_trigger
from tests.integration.actions import create, fire
from tests.integration.lanes import NOBODY
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.settings import Settings
from triggerfish.wiring import Wiring

pytestmark = pytest.mark.breaks_invariants
SAYS = "attempts are numbered 1, 2, 3 without a gap"


@pytest.fixture(autouse=True)
async def event(parts: Wiring, caller: Principal, receiver: Receiver) -> str:
    """One delivered event; its id."""
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    event_id = await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    return str(event_id)


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The platform as environment variables, which win over the template."""
    monkeypatch.setenv("TRIGGERFISH_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "https://sqs.us-east-1.amazonaws.com")  # moto's
    for name in ("database_url", "deliveries_queue_url", "deliveries_dlq_url"):
        monkeypatch.setenv(f"TRIGGERFISH_{name.upper()}", getattr(settings, name))
    # The event is of the virtual clock's time, so in real time it has to be kept for long.
    monkeypatch.setenv("TRIGGERFISH_ACTIVE_SECONDS", str(10 * 365 * 86_400))
    for name in ("LOOKAHEAD_SECONDS", "BOOTSTRAP_API_KEY", "PUBLIC_URL"):
        monkeypatch.setenv(f"TRIGGERFISH_{name}", "")  # so that what the command sets is unset


def verify(*options: str) -> Result:
    return CliRunner().invoke(app, ["verify", *options])


def test_a_sound_platform_passes() -> None:
    done = verify()
    assert done.exit_code == 0, done.output
    assert SAYS in done.output
    assert "rules hold" in done.output


def test_a_broken_rule_is_named_with_the_event(settings: Settings, event: str) -> None:
    with psycopg.connect(settings.database_url.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE event_logs_active SET attempts = attempts || attempts")
    done = verify()
    assert done.exit_code == 1
    assert f"I5: {SAYS}. Broken by:" in done.output
    assert event in done.output

    done = verify("--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert report["ok"] is False
    [rule] = [rule for rule in report["rules"] if rule["says"] == SAYS]
    assert rule["broken"] == 1
    assert rule["examples"][0]["id"] == event


def test_without_its_queue_the_rest_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", NOBODY)
    done = verify()
    assert done.exit_code == 0, done.output
    assert "I12 was not judged" in done.output


def test_without_a_database_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    monkeypatch.setenv("TRIGGERFISH_DATABASE_URL", nowhere)
    done = verify()
    assert done.exit_code == 3
    assert "database is not reachable" in done.output
