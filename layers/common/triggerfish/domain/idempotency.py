"""Idempotency keys: one event for a webhook call however often its caller must send it.

Rules: draft-ietf-httpapi-idempotency-key-header. A key belongs to its trigger and is kept for a
day; the same key with another body is refused (422), never taken for the first request.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from triggerfish.domain.errors import FieldError, InvalidInput, KeyReused

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)

MAX_KEY_CHARACTERS = 255

_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY_CHARACTERS}}}")


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """What tells one keyed call from another: the key, and a SHA-256 of the exact body."""

    key: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class FirstRequest:
    """The call that a key was first used for, and the event it became."""

    body_hash: bytes
    event_id: UUID


def keyed_request(values: Sequence[str], body: bytes) -> KeyedRequest | None:
    """Read the header (all values it was sent with); None without one. Raises InvalidInput."""
    if not values:
        return None
    if len(values) > 1 or not _KEY.fullmatch(values[0]):
        message = "must be one value of 1 to 255 visible ASCII characters"
        raise InvalidInput("The request is not valid.", (FieldError(HEADER, message),))
    return KeyedRequest(values[0], hashlib.sha256(body).digest())


def first_event(request: KeyedRequest, first: FirstRequest) -> UUID:
    """The event of the first call, if this is the same call again. Raises KeyReused."""
    if request.body_hash != first.body_hash:
        raise KeyReused(f"This {HEADER} was used with another body; send a new key.")
    return first.event_id
