"""The only source of ids, secrets and randomness."""

import random
import secrets
from datetime import datetime
from string import ascii_letters, digits
from uuid import UUID

import uuid_utils

from triggerfish.domain.signing import encode_secret

_ALPHANUMERIC = digits + ascii_letters


class SystemIds:
    """Random ids: UUIDv7 (RFC 9562) for rows, 256-bit tokens for secrets."""

    def uuid7(self, at: datetime) -> UUID:
        """A new id whose leading bits are `at`, so that ids sort by time."""
        return UUID(int=uuid_utils.uuid7(nanoseconds=round(at.timestamp() * 1e9)).int)

    def token(self) -> str:
        """A secret for a URL: 43 characters, 256 bits."""
        return secrets.token_urlsafe(32)

    def alphanumeric(self, characters: int) -> str:
        """Random letters and digits: 5.95 bits a character."""
        return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(characters))

    def signing_secret(self) -> str:
        """A Standard Webhooks secret: `whsec_` and base64 of 32 random bytes."""
        return encode_secret(secrets.token_bytes(32))

    def fraction(self) -> float:
        """In [0, 1)."""
        return random.random()

    def nonce(self, length: int) -> bytes:
        """Random bytes that no second ciphertext shares."""
        return secrets.token_bytes(length)
