"""API keys: who a key speaks for, and when it speaks for nobody."""

import re
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerfish.domain.access import (
    BASE62,
    SCOPES,
    Principal,
    StoredKey,
    assemble_key,
    authenticate,
    hash_secret,
    key_prefix,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEY = "tf_live_0123456789"
PREFIX, SECRET = "0aZ123456789", "s" * 43


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
    principal = authenticate(key, row, NOW)
    assert (principal is not None) == valid
    if principal is not None and row is not None:
        expected = Principal(UUID(int=2), UUID(int=1), frozenset(SCOPES), row.expires_at)
        assert principal == expected


@pytest.mark.parametrize(
    ("key", "row"),
    [
        (KEY, None),
        (KEY + "x", stored()),
        (KEY, stored(revoked_at=NOW)),
        (KEY, stored(expires_at=NOW)),
        (KEY, stored()),
    ],
    ids=["unknown", "wrong", "revoked", "expired", "right"],
)
def test_every_key_is_compared_once_in_constant_time(
    key: str, row: StoredKey | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[int, int]] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((len(a), len(b)))
        return a == b

    monkeypatch.setattr("triggerfish.domain.access.hmac.compare_digest", compare)
    authenticate(key, row, NOW)
    assert compared == [(32, 32)]


def test_a_key_is_stored_as_its_hash():
    assert KEY.encode() not in hash_secret(KEY)
    assert len(hash_secret(KEY)) == 32


def test_a_key_of_ours_is_one_word_with_its_prefix_in_front():
    key = assemble_key(PREFIX, SECRET)
    assert key.startswith(f"tf_{PREFIX}_{SECRET}")
    assert re.fullmatch(r"\w{65}", key, re.ASCII)
    assert key_prefix(key) == f"tf_{PREFIX}"


def test_a_scanner_can_check_a_key_offline():
    body, figures = assemble_key(PREFIX, SECRET)[:-6], assemble_key(PREFIX, SECRET)[-6:]
    value = 0
    for figure in figures:
        value = value * 62 + BASE62.index(figure)
    assert value == zlib.crc32(body.encode())


@given(st.text(BASE62, min_size=12, max_size=12), st.text(BASE62, min_size=43, max_size=43))
def test_every_key_of_ours_is_found_by_its_own_prefix(prefix, secret):
    assert key_prefix(assemble_key(prefix, secret)) == f"tf_{prefix}"


@pytest.mark.parametrize(
    "key",
    [
        "secret",
        "tf_live_0123456789",
        assemble_key(PREFIX, SECRET)[:-1] + "!",
        assemble_key(PREFIX, SECRET).replace("sss", "xyz", 1),
        assemble_key(PREFIX, SECRET) + "\n",
        "\ud800",
        "",
    ],
)
def test_the_prefix_of_any_other_key_shows_nothing_of_it(key):
    assert re.fullmatch(r"sha256:[0-9a-f]{16}", key_prefix(key))
    assert key_prefix(key) == key_prefix(key)


def test_keys_that_begin_alike_have_prefixes_of_their_own():
    assert key_prefix("tf_production_one") != key_prefix("tf_production_two")
