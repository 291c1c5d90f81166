"""API keys: who a key speaks for, and when it speaks for nobody."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from triggerfish.domain.access import (
    SCOPES,
    Principal,
    StoredKey,
    authenticate,
    hash_secret,
    key_prefix,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEY = "tf_live_0123456789"


def stored(**changes: Any) -> StoredKey:
    given = {"expires_at": None, "revoked_at": None} | changes
    return StoredKey(UUID(int=1), UUID(int=2), hash_secret(KEY), frozenset(SCOPES), **given)


@pytest.mark.parametrize(
    ("key", "row", "valid"),
    [
        (KEY, stored(), True),
        (KEY, None, False),
        (KEY + "x", stored(), False),
        (KEY[:-1], stored(), False),
        (KEY.upper(), stored(), False),
        ("", stored(), False),
        (KEY, stored(expires_at=NOW + SECOND), True),
        (KEY, stored(expires_at=NOW), False),
        (KEY, stored(expires_at=NOW - SECOND), False),
        (KEY, stored(revoked_at=NOW - SECOND), False),
        (KEY, stored(revoked_at=NOW + SECOND), False),
        ("\ud800", stored(), False),
    ],
)
def test_a_key_is_valid_if_it_is_the_stored_one_neither_expired_nor_revoked(key, row, valid):
    principal = Principal(UUID(int=2), UUID(int=1), frozenset(SCOPES)) if valid else None
    assert authenticate(key, row, NOW) == principal


def test_a_key_is_found_by_its_beginning_and_stored_as_its_hash():
    assert KEY.startswith(key_prefix(KEY))
    assert len(key_prefix(KEY)) < len(KEY)
    assert KEY.encode() not in hash_secret(KEY)
    assert len(hash_secret(KEY)) == 32
