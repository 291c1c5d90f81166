"""Commands used wrongly: one sentence that names what to change, exit code 2, nothing begun."""

import socket
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

from local.cli.host import EmbeddedHost
from local.cli.main import app
from local.runtime import gateway, invoker, poller, scheduler
from triggerfish.wiring import upkeep

BEGINNINGS: list[tuple[Any, str]] = [
    (EmbeddedHost, "run"),
    (gateway, "run"),
    (poller, "run"),
    (scheduler, "run"),
    (invoker, "invoke_once"),
    (upkeep, "migrate"),
]
COMMANDS_OF_A_PLATFORM = ["demo", "verify", "rekey", "dlq list", "invoke tick", "upload FILE"]


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "SQS_ENDPOINT_URL", "DELIVERIES_DLQ_URL", "PORT", "HOST"):
        monkeypatch.delenv(f"TRIGGERFISH_{name}", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_SQS", raising=False)
    monkeypatch.setenv("TRIGGERFISH_STATE_DIR", str(tmp_path / "state"))
    for module, begin in BEGINNINGS:
        monkeypatch.setattr(module, begin, begun)


def begun(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("The command has begun.")


def refused(command: str, *names: str) -> str:
    """What a command says that must not begin; every one of `names` is in it."""
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert len(result.output.strip().splitlines()) <= max(1, len(names)), result.output
    for name in names:
        assert name in result.output
    return result.output


@pytest.mark.parametrize("command", COMMANDS_OF_A_PLATFORM)
def test_where_nothing_runs_the_way_to_start_it_is_told(command: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("{}")
    refused(command.replace("FILE", str(file)), "No platform runs", "make up")


@pytest.mark.parametrize("command", ["up", "demo", "verify"])
def test_a_state_folder_that_cannot_be_used_names_the_variable(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "state"
    (blocked / "platform.json").mkdir(parents=True)  # even root cannot read a folder as a file
    (blocked / "platform.lock").mkdir()
    monkeypatch.setenv("TRIGGERFISH_STATE_DIR", str(blocked))
    refused(command, "TRIGGERFISH_STATE_DIR", str(blocked))


@pytest.mark.parametrize("port", ["abc", "70000", "-1", "1.5"])
@pytest.mark.parametrize("command", ["up", "gateway"])
def test_a_bad_port_names_option_and_variable(
    command: str, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(f"{command} --port={port}", "--port", "TRIGGERFISH_PORT")
    monkeypatch.setenv("TRIGGERFISH_PORT", port)
    refused(command, "--port", "TRIGGERFISH_PORT")


def test_a_taken_port_names_option_and_variable(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(f"up --port={port}", str(port), "--port", "TRIGGERFISH_PORT")
        refused(f"receiver --port={port}", str(port), "--port")
    assert not (tmp_path / "state" / "postgres").exists()


def test_an_address_that_is_not_ours_names_option_and_variable() -> None:
    refused("up --host=192.0.2.1", "--host", "TRIGGERFISH_HOST")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOOKAHEAD_SECONDS", "abc"),
        ("LOOKAHEAD_SECONDS", "1000"),
        ("KEY_RATE", "-1"),
        ("KEY_RATE", "nan"),
        ("DATABASE_POOL_SIZE", "1.5"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DATABASE_URL", "postgresql://localhost:99999/x"),
        ("SQS_ENDPOINT_URL", "http://localhost:port"),
        ("OBJECT_STORE", "ftp://x"),
        ("EGRESS_ALLOW", "10.0.0.0/8,nowhere"),
        ("ENCRYPTION_KEYS", "k1:short"),
        ("ENCRYPTION_KEYS_FILE", "/no/such/file"),
        ("CATALOGUE_TRIGGER_ID", "5"),
        ("CATALOGUE_NOTIFIER", "pigeon"),
    ],
)
@pytest.mark.parametrize("command", ["up", "worker", "migrate"])
def test_a_bad_value_names_its_variable_before_anything_starts(
    command: str, name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command != "up":
        monkeypatch.setenv("TRIGGERFISH_DATABASE_URL", "postgresql://localhost/x")
    monkeypatch.setenv(f"TRIGGERFISH_{name}", value)
    said = refused(command, f"TRIGGERFISH_{name}")
    assert "Input should" not in said
    assert not (tmp_path / "state" / "postgres").exists()


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIGGERFISH_KEY_RATE", "fast")
    monkeypatch.setenv("TRIGGERFISH_TICK_SECONDS", "0")
    refused("up", "TRIGGERFISH_KEY_RATE", "TRIGGERFISH_TICK_SECONDS")


@pytest.mark.parametrize("command", ["gateway", "worker", "scheduler", "migrate"])
def test_a_service_without_a_database_names_its_variable(command: str) -> None:
    refused(command, "TRIGGERFISH_DATABASE_URL")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("up --template nofile", "--template"),
        ("upload nofile", "nofile"),
        ("upload", "file"),
        ("invoke", "function"),
        ("broker --template nofile", "--template"),
    ],
)
def test_a_missing_file_or_argument_is_named(command: str, name: str) -> None:
    refused(command, name)


def test_an_event_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGERFISH_DATABASE_URL", "postgresql://localhost/x")
    refused("invoke tick --event nofile", "--event", "nofile")
    (tmp_path / "event").write_text("{")
    refused(f"invoke tick --event {tmp_path / 'event'}", "--event", "JSON")


def test_the_version_is_that_of_the_project() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"triggerfish {version('triggerfish')}\n")
