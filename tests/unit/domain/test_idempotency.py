"""Idempotency keys: what is one, and what the same key with another body means."""

from uuid import UUID

import pytest

from triggerfish.domain.errors import InvalidInput, KeyReused
from triggerfish.domain.idempotency import FirstRequest, KeyedRequest, first_event, keyed_request

EVENT = UUID(int=1)


def read(*values: str, body: bytes = b"{}") -> KeyedRequest | None:
    return keyed_request(values, body)


@pytest.mark.parametrize("key", ["a", "k" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "!~,;="])
def test_up_to_255_visible_ascii_characters_are_a_key(key: str) -> None:
    request = read(key)
    assert request is not None
    assert request.key == key


def test_no_header_is_no_key() -> None:
    assert read() is None


@pytest.mark.parametrize("key", ["", "k" * 256, "a b", "a\tb", "é", "a\x7f", "a\n", "\x00"])
def test_anything_else_is_refused_naming_the_header(key: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(key)
    assert [detail.field for detail in refused.value.details] == ["Idempotency-Key"]


def test_two_keys_are_refused() -> None:
    with pytest.raises(InvalidInput):
        read("a", "b")


def test_the_same_body_again_is_the_first_event_and_another_body_is_refused() -> None:
    first, again, other = read("a"), read("a"), read("a", body=b"{ }")
    assert first is not None
    assert again is not None
    assert other is not None
    stored = FirstRequest(first.body_hash, EVENT)
    assert first_event(again, stored) == EVENT
    with pytest.raises(KeyReused):
        first_event(other, stored)
