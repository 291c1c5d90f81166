"""Who calls: API keys, their scopes, and the project they speak for."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

SCOPES = (
    "triggers:read",
    "triggers:write",
    "events:read",
    "events:replay",
    "keys:admin",
)
PREFIX_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: everything it sees and does is of this project."""

    project_id: UUID
    key_id: UUID
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class StoredKey:
    """An API key as stored: its hash, never the key."""

    id: UUID
    project_id: UUID
    key_hash: bytes
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None


def key_prefix(key: str) -> str:
    """The part of a key that finds its row; not secret."""
    return key[:PREFIX_CHARACTERS]


def hash_secret(secret: str) -> bytes:
    """SHA-256: enough for secrets of 256 random bits, which no dictionary holds."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def authenticate(key: str, stored: StoredKey | None, now: datetime) -> Principal | None:
    """The caller behind a key, None when it is unknown, revoked or expired.

    An unknown key is compared as well, so that it takes as long as a wrong one.
    """
    expected = stored.key_hash if stored else b"\0" * 32
    matches = hmac.compare_digest(hash_secret(key), expected)
    if stored is None or not matches or stored.revoked_at is not None:
        return None
    if stored.expires_at is not None and stored.expires_at <= now:
        return None
    return Principal(stored.project_id, stored.id, stored.scopes)
