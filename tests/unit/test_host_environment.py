"""The variables that the embedded host hands to its services."""

from pathlib import Path

import pytest

from local.cli.environment import for_children, for_sqs, worth_sharing
from local.runtime.environment import apply_environment
from local.runtime.model import Template


def children(environ: dict[str, str], host: str = "127.0.0.1") -> dict[str, str]:
    return for_children(
        environ,
        state_dir=Path("/state"),
        host=host,
        port=8081,
        database_url="postgresql+psycopg://postgres@/triggerfish?host=/state/postgres",
        sqs_endpoint_url="http://127.0.0.1:9999",
        encryption_keys_file=Path("/state/encryption-keys"),
    )


def test_a_bare_environment_gets_everything_a_service_needs() -> None:
    found = children({})
    assert found["TRIGGERFISH_PUBLIC_URL"] == "http://localhost:8081"
    assert found["TRIGGERFISH_LOOKAHEAD_SECONDS"] == "2"
    assert found["TRIGGERFISH_OBJECT_STORE"] == "file:/state/objects"
    assert found["TRIGGERFISH_SQS_ENDPOINT_URL"] == "http://127.0.0.1:9999"
    assert found["AWS_ENDPOINT_URL_SQS"] == "http://127.0.0.1:9999"
    assert found["AWS_ACCESS_KEY_ID"] == found["AWS_SECRET_ACCESS_KEY"] == "local"
    assert found["AWS_DEFAULT_REGION"] == "us-east-1"
    assert found["TRIGGERFISH_ENCRYPTION_KEYS_FILE"] == "/state/encryption-keys"


def test_what_the_caller_set_passes_through() -> None:
    given = {
        "TRIGGERFISH_ACTIVE_SECONDS": "5",
        "TRIGGERFISH_PUBLIC_URL": "https://hooks.example.com",
        "TRIGGERFISH_LOOKAHEAD_SECONDS": "7",
        "AWS_PROFILE": "work",
        "AWS_REGION": "eu-central-1",
    }
    found = children(given)
    assert {name: found[name] for name in given} == given
    assert "AWS_ACCESS_KEY_ID" not in found
    assert "AWS_DEFAULT_REGION" not in found


def test_loopback_is_open_to_deliveries_unless_the_list_is_set_even_if_empty() -> None:
    assert children({})["TRIGGERFISH_EGRESS_ALLOW"] == "127.0.0.1/32,::1/128"
    assert children({"TRIGGERFISH_EGRESS_ALLOW": ""})["TRIGGERFISH_EGRESS_ALLOW"] == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5"])
def test_loopback_is_closed_to_deliveries_where_others_reach_the_api(host: str) -> None:
    assert children({}, host)["TRIGGERFISH_EGRESS_ALLOW"] == ""
    given = {"TRIGGERFISH_EGRESS_ALLOW": "127.0.0.1"}
    assert children(given, host)["TRIGGERFISH_EGRESS_ALLOW"] == "127.0.0.1"


@pytest.mark.attack("secrets: the first key and the encryption key")
def test_services_do_not_hold_the_first_key() -> None:
    assert "tf_first" not in children({"TRIGGERFISH_BOOTSTRAP_API_KEY": "tf_first"}).values()


def test_other_empty_variables_count_as_unset() -> None:
    assert children({"TRIGGERFISH_LOOKAHEAD_SECONDS": ""})["TRIGGERFISH_LOOKAHEAD_SECONDS"] == "2"


def test_aws_itself_needs_no_endpoint_and_no_invented_credentials() -> None:
    assert for_sqs({}, None) == for_sqs({}, "") == {}


def test_what_is_shared_with_other_commands_holds_no_key_and_no_strange_variable() -> None:
    given = {"HOME": "/home/ada", "TRIGGERFISH_ENCRYPTION_KEYS": "k1:secret"}
    shared = worth_sharing(children(given))
    assert "TRIGGERFISH_ENCRYPTION_KEYS" not in shared
    assert shared["TRIGGERFISH_ENCRYPTION_KEYS_FILE"] == "/state/encryption-keys"
    assert shared["AWS_ENDPOINT_URL_SQS"] == "http://127.0.0.1:9999"
    assert "TRIGGERFISH_BOOTSTRAP_API_KEY" not in shared
    assert "AWS_SECRET_ACCESS_KEY" not in shared
    assert "HOME" not in shared


@pytest.mark.parametrize(
    "name", ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_PROFILE"]
)
def test_credentials_of_the_operator_are_not_hidden_by_invented_ones(name: str) -> None:
    environ = {name: "theirs"}
    assert "AWS_ACCESS_KEY_ID" not in for_sqs(environ, "https://sqs.eu-central-1.amazonaws.com")
    apply_environment(Template(Path(), {}, {}), environ)
    assert "AWS_ACCESS_KEY_ID" not in environ
