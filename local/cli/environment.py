"""What the services find in their environment: rules from the caller's variables to theirs."""

from collections.abc import Mapping
from pathlib import Path

from local.runtime.environment import has_credentials

LOOPBACK = "127.0.0.0/8,::1/128"
"""Open to deliveries on an embedded host unless TRIGGERFISH_EGRESS_ALLOW says otherwise."""
_DUMMY = "local"


def for_sqs(environ: Mapping[str, str], endpoint: str | None) -> dict[str, str]:
    """The variables that lead boto3 to `endpoint`; nothing when AWS itself is meant.

    Credentials are only invented where there are none: boto3 must sign with something.
    """
    if not endpoint:
        return {}
    found = {"TRIGGERFISH_SQS_ENDPOINT_URL": endpoint, "AWS_ENDPOINT_URL_SQS": endpoint}
    if not environ.get("AWS_DEFAULT_REGION") and not environ.get("AWS_REGION"):
        found["AWS_DEFAULT_REGION"] = "us-east-1"
    if not has_credentials(environ):
        found |= {"AWS_ACCESS_KEY_ID": _DUMMY, "AWS_SECRET_ACCESS_KEY": _DUMMY}
    return found


def for_children(
    environ: Mapping[str, str],
    *,
    state_dir: Path,
    port: int,
    database_url: str,
    sqs_endpoint_url: str,
    api_key: str,
    encryption_keys_file: Path | None = None,
) -> dict[str, str]:
    """The whole environment of the embedded host's services.

    The caller's variables pass through; empty ones count as unset, except for
    TRIGGERFISH_EGRESS_ALLOW, where empty closes every private address.
    """
    defaults = {
        "TRIGGERFISH_OBJECT_STORE": f"file:{state_dir}/objects",
        "TRIGGERFISH_PUBLIC_URL": f"http://localhost:{port}",
        "TRIGGERFISH_LOOKAHEAD_SECONDS": "2",
    }
    if encryption_keys_file:
        defaults["TRIGGERFISH_ENCRYPTION_KEYS_FILE"] = str(encryption_keys_file)
    unset = {name: value for name, value in defaults.items() if not environ.get(name)}
    return {
        "TRIGGERFISH_EGRESS_ALLOW": LOOPBACK,
        **environ,
        **unset,
        **for_sqs(environ, sqs_endpoint_url),
        "TRIGGERFISH_DATABASE_URL": database_url,
        "TRIGGERFISH_BOOTSTRAP_API_KEY": api_key,
        "TRIGGERFISH_STATE_DIR": str(state_dir),
        "TRIGGERFISH_PORT": str(port),
    }


def worth_sharing(environment: Mapping[str, str]) -> dict[str, str]:
    """The part that a command needs to act as a service. No keys: those have their own files."""
    names = ("TRIGGERFISH_", "AWS_ENDPOINT_URL_SQS", "AWS_DEFAULT_REGION")
    secret = (
        "TRIGGERFISH_BOOTSTRAP_API_KEY",
        "TRIGGERFISH_ENCRYPTION_KEYS",
        "TRIGGERFISH_INVOKE_SECRET",
    )
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(names) and name not in secret
    }
