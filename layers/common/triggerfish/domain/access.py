"""Who calls: API keys, how they look, their scopes, and the project they speak for."""

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from string import ascii_letters, digits
from uuid import UUID

PROJECT_SCOPES = (
    "triggers:read",
    "triggers:write",
    "events:read",
    "events:replay",
    "jobs:read",
    "jobs:write",
    "keys:admin",
)
# What a key does beyond its own project: only keys of the first project can hold it.
PLATFORM_SCOPES = ("projects:admin", "catalogue:admin")
SCOPES = PROJECT_SCOPES + PLATFORM_SCOPES
# Without a key that holds one of these, only the operator gets in again.
ADMIN_SCOPES = ("keys:admin", "projects:admin")

# A key of ours is `tf_<prefix>_<secret><checksum>`: letters and digits, so that a double click
# selects it whole, and a CRC32 by which a scanner tells a leaked key from a look-alike offline.
BASE62 = digits + ascii_letters
PREFIX_CHARACTERS = 12  # 71 bits: no two keys share them
SECRET_CHARACTERS = 43  # 256 bits
CHECKSUM_CHARACTERS = 6
_KEY = re.compile(
    rf"(tf_[0-9A-Za-z]{{{PREFIX_CHARACTERS}}})"
    rf"_[0-9A-Za-z]{{{SECRET_CHARACTERS + CHECKSUM_CHARACTERS}}}",
    re.ASCII,
)
_HASH_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: everything it sees and does is of this project."""

    project_id: UUID
    key_id: UUID
    scopes: frozenset[str]
    expires_at: datetime | None = None


# Who holds the catalogue's static token: no project, no row of a key, this one scope.
CATALOGUE_ADMIN = Principal(UUID(int=0), UUID(int=0), frozenset({"catalogue:admin"}))


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is stored of an API key to recognise it: its hash, never the key."""

    id: UUID
    project_id: UUID
    key_hash: bytes
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = None


def assemble_key(prefix: str, secret: str) -> str:
    """A new API key of two random base62 texts: PREFIX_CHARACTERS and SECRET_CHARACTERS long."""
    body = f"tf_{prefix}_{secret}"
    return body + _checksum(body)


def key_prefix(key: str) -> str:
    """What finds a key's row and names it in lists; not secret, and no two keys share it.

    A key that somebody else made up (the bootstrap key may be any text) has no part that is known
    to be harmless or unlike another key's, so its prefix is the beginning of its hash.
    """
    match = _KEY.fullmatch(key)
    if match and key.endswith(_checksum(key[:-CHECKSUM_CHARACTERS])):
        return match[1]
    return f"sha256:{hash_secret(key).hex()[:_HASH_CHARACTERS]}"


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
    return Principal(stored.project_id, stored.id, stored.scopes, stored.expires_at)


def holds_token(given: str, expected: str) -> bool:
    """Whether a static token is the expected one; takes as long whichever character differs.

    Without an expected one nobody holds it.
    """
    matches = hmac.compare_digest(hash_secret(given), hash_secret(expected))
    return bool(expected) and matches


def _checksum(body: str) -> str:
    """CRC32 in base62, as GitHub's tokens have it."""
    rest, figures = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM_CHARACTERS):
        rest, figure = divmod(rest, len(BASE62))
        figures = BASE62[figure] + figures
    return figures
