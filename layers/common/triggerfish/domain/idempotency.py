"""Idempotency keys: one event for a webhook call, one thing made by a call that creates.

Rules: draft-ietf-httpapi-idempotency-key-header. A key belongs to its trigger, or to its project
and the call's path, and is kept for a day; the same key with another body is refused (422), never
taken for the first request.
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
CLAIMED = timedelta(minutes=15)
"""A request that has no answer by then was lost with its process: its key is free again."""

MAX_KEY_CHARACTERS = 255

_REUSED = f"This {HEADER} was used with another body; send a new key."
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


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What a keyed request was first answered, and the hash of the body it had."""

    body_hash: bytes
    status: int
    text: str


def checked_answer(body_hash: bytes, first: FirstAnswer) -> FirstAnswer:
    """The first answer, if this is the same request again. Raises KeyReused."""
    if body_hash != first.body_hash:
        raise KeyReused(_REUSED)
    return first


def keyed_request(values: Sequence[str], body: bytes) -> KeyedRequest | None:
    """Read the header (all values it was sent with); None without one. Raises InvalidInput."""
    key = idempotency_key(values)
    return None if key is None else KeyedRequest(key, hashlib.sha256(body).digest())


def idempotency_key(values: Sequence[str]) -> str | None:
    """The header's one value; None without it. Raises InvalidInput."""
    if not values:
        return None
    if len(values) > 1 or not _KEY.fullmatch(values[0]):
        message = "must be one value of 1 to 255 visible ASCII characters"
        raise InvalidInput("The request is not valid.", (FieldError(HEADER, message),))
    return values[0]


def first_event(request: KeyedRequest, first: FirstRequest) -> UUID:
    """The event of the first call, if this is the same call again. Raises KeyReused."""
    if request.body_hash != first.body_hash:
        raise KeyReused(_REUSED)
    return first.event_id
