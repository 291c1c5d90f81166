"""Standard Webhooks v1 signatures: HMAC-SHA256 over `{id}.{timestamp}.{body}`, symmetric secrets.

Source: the Standard Webhooks specification 1.0.0 (standardwebhooks.com).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from triggerfish.domain.errors import FieldError, InvalidInput

SECRET_PREFIX = "whsec_"
TOLERANCE_SECONDS = 300
MIN_KEY_BYTES, MAX_KEY_BYTES = 24, 64


@dataclass(frozen=True, slots=True)
class SigningSecrets:
    """A trigger's secret, and the one it replaced, which goes on signing until `previous_until`."""

    present: str = field(repr=False)
    previous: str | None = field(default=None, repr=False)
    previous_until: datetime | None = None

    def at(self, now: datetime) -> tuple[str, ...]:
        """Those to sign with at `now`, the present one first."""
        if self.previous is None or self.previous_until is None or now >= self.previous_until:
            return (self.present,)
        return (self.present, self.previous)


def encode_secret(key: bytes) -> str:
    """The written form of a signing key of 24 to 64 random bytes: `whsec_` and base64."""
    return SECRET_PREFIX + base64.b64encode(key).decode("ascii")


def decode_secret(secret: str) -> bytes:
    """The key of a `whsec_` secret. Raises `InvalidInput` (field `secret`), never quoting it."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        message = "must be whsec_ followed by the base64 of 24 to 64 bytes"
        raise InvalidInput(f"The signing secret {message}.", (FieldError("secret", message),))
    return key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature `v1,<base64>` of these exact bytes; `timestamp` in Unix seconds."""
    signed = b"%s.%d.%s" % (message_id.encode("utf-8", "replace"), timestamp, body)
    digest = hmac.digest(decode_secret(secret), signed, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode("ascii")


def delivery_headers(message_id: str, timestamp: int, body: bytes, *secrets: str) -> dict[str, str]:
    """The three headers of a delivery; several secrets while one is being rotated out.

    `message_id` stays the same over all attempts, `timestamp` is the attempt's, in Unix seconds.
    """
    signatures = (sign(secret, message_id, timestamp, body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    now: int,
    tolerance_seconds: int = TOLERANCE_SECONDS,
) -> bool:
    """Whether one of the signatures is ours and fresh at `now` (Unix seconds).

    Header names in any case. Whatever is missing or malformed makes it False, never an exception.
    """
    given = {name.lower(): value for name, value in headers.items()}
    timestamp = parse_timestamp(given.get("webhook-timestamp", ""))
    if timestamp is None or abs(now - timestamp) > tolerance_seconds:
        return False
    expected = sign(secret, given.get("webhook-id", ""), timestamp, body).encode()
    candidates = given.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")
    return any([hmac.compare_digest(expected, candidate) for candidate in candidates])


def parse_timestamp(text: str) -> int | None:
    """Unix seconds as a sender writes them, None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else None
