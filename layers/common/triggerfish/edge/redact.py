"""Keeps secrets out of the log: fields by their name, keys and tokens by their look."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

SECRET_FIELDS = frozenset(
    {
        "api_key",
        "authorization",
        "body",
        "cookie",
        "encryption_keys",
        "headers",
        "key",
        "password",
        "payload",
        "secret",
        "signature",
        "signing_secret",
        "token",
        "webhook_token",
        "webhook_url",
        "x-api-key",
    }
)
REDACTED = "[redacted]"

# Signing secrets, API keys, tokens in webhook paths, credentials in headers and in URLs.
LOOKS_SECRET = re.compile(
    r"whsec_[\w+/=-]+|\btf_\w{8,}|(?<=/webhook/)[\w-]{16,}|(?<=Bearer )[^\s\"\\]+"
    r"|(?<=://)[^\s/:@\"\\]*:[^\s/@\"\\]+(?=@)"
)
# What each of those has in it, so that most lines are let through without a search.
HINTS = ("whsec_", "tf_", "/webhook/", "Bearer ", "://")


def drop_secret_fields(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> Mapping[str, Any]:
    """A structlog processor: fields with a telling name lose their value, however deep."""
    if SECRET_FIELDS.isdisjoint(event) and not any(type(v) is dict for v in event.values()):
        return event
    return {name: _value(name, value) for name, value in event.items()}


def redact_line(line: str) -> str:
    """What looks like a secret in a rendered line is blotted out."""
    if any(hint in line for hint in HINTS):
        return LOOKS_SECRET.sub(REDACTED, line)
    return line


def _value(name: str, value: Any) -> Any:
    if name.lower() in SECRET_FIELDS:
        return REDACTED
    if type(value) is dict:
        return {inner: _value(str(inner), each) for inner, each in value.items()}
    return value
