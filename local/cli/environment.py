"""What the services find in their environment: rules from the caller's variables to theirs."""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from local.runtime.environment import has_credentials

LOOPBACK = "127.0.0.1/32,::1/128"
"""Open to deliveries of a platform for this machine alone, unless TRIGGERFISH_EGRESS_ALLOW says
otherwise. Where others reach the API, their triggers must not reach what listens here."""
FIRST_KEY = "TRIGGERFISH_BOOTSTRAP_API_KEY"
"""Only `migrate` needs it."""
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
    host: str,
    port: int,
    database_url: str,
    sqs_endpoint_url: str,
    encryption_keys_file: Path | None = None,
) -> dict[str, str]:
    """The whole environment of the embedded host's services.

    The caller's variables pass through; empty ones count as unset, except for
    TRIGGERFISH_EGRESS_ALLOW, where empty closes every private address. The first API key is left
    out.
    """
    defaults = {
        "TRIGGERFISH_OBJECT_STORE": f"file:{state_dir}/objects",
        "TRIGGERFISH_DATABASE_DISK": str(state_dir),
        "TRIGGERFISH_PUBLIC_URL": f"http://localhost:{port}",
        "TRIGGERFISH_LOOKAHEAD_SECONDS": "2",
    }
    if encryption_keys_file:
        defaults["TRIGGERFISH_ENCRYPTION_KEYS_FILE"] = str(encryption_keys_file)
    unset = {name: value for name, value in defaults.items() if not environ.get(name)}
    return {
        "TRIGGERFISH_EGRESS_ALLOW": LOOPBACK if listens_on_loopback(host) else "",
        **{name: value for name, value in environ.items() if name != FIRST_KEY},
        **unset,
        **for_sqs(environ, sqs_endpoint_url),
        "TRIGGERFISH_DATABASE_URL": database_url,
        "TRIGGERFISH_STATE_DIR": str(state_dir),
        "TRIGGERFISH_PORT": str(port),
    }


def listens_on_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def worth_sharing(environment: Mapping[str, str]) -> dict[str, str]:
    """The part that a command needs to act as a service. No keys: those have their own files."""
    names = ("TRIGGERFISH_", "AWS_ENDPOINT_URL_SQS", "AWS_DEFAULT_REGION")
    secret = (
        FIRST_KEY,
        "TRIGGERFISH_ENCRYPTION_KEYS",
        "TRIGGERFISH_INVOKE_SECRET",
    )
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(names) and name not in secret
    }
