"""The vault: what it seals opens under the same ring and context only; keys rotate by order."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerfish.adapters.ids import SystemIds
from triggerfish.adapters.vault import UnreadableSecretError, Vault, is_sealed
from triggerfish.domain.key_ring import parse_key_ring

OLD, NEW = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
ROW = "signing_secret:00000000-0000-0000-0000-000000000001"
OTHER_ROW = "signing_secret:00000000-0000-0000-0000-000000000002"


def vault(ring: str) -> Vault:
    return Vault(parse_key_ring(ring), SystemIds().nonce)


@given(st.text())
def test_what_is_sealed_opens_and_is_not_to_be_seen_in_its_sealed_form(secret):
    sealed = vault(f"a:{OLD}").seal(secret, ROW)
    assert sealed.startswith("sealed:a:")
    assert len(secret) < 4 or secret not in sealed
    assert vault(f"a:{OLD}").open(sealed, ROW) == secret


def test_the_same_secret_is_never_sealed_to_the_same_text():
    one = vault(f"a:{OLD}")
    assert len({one.seal("secret", ROW) for _ in range(100)}) == 100


@pytest.mark.attack("secrets at rest: tampering, swapping of rows")
def test_a_ciphertext_in_another_row_or_column_does_not_open():
    sealed = vault(f"a:{OLD}").seal("secret", ROW)
    for context in (OTHER_ROW, ROW.replace("signing_secret", "webhook_token"), ""):
        with pytest.raises(UnreadableSecretError):
            vault(f"a:{OLD}").open(sealed, context)


@pytest.mark.parametrize("cut", [slice(0, -4), slice(0, 30), slice(4, None)])
@pytest.mark.attack("secrets at rest: tampering, swapping of rows")
def test_a_tampered_ciphertext_does_not_open(cut):
    sealed = vault(f"a:{OLD}").seal("secret" * 20, ROW)
    prefix, encoded = sealed[: len("sealed:a:")], sealed[len("sealed:a:") :]
    with pytest.raises(UnreadableSecretError):
        vault(f"a:{OLD}").open(prefix + encoded[cut], ROW)


def test_the_first_key_seals_and_every_key_opens():
    before = vault(f"old:{OLD}").seal("secret", ROW)
    ring = vault(f"new:{NEW},old:{OLD}")
    assert ring.open(before, ROW) == "secret"
    after = ring.reseal(before, ROW)
    assert after.startswith("sealed:new:")
    assert ring.reseal(after, ROW) == after
    assert vault(f"new:{NEW}").open(after, ROW) == "secret"


def test_a_missing_key_is_named_and_the_secret_is_not():
    sealed = vault(f"old:{OLD}").seal("secret", ROW)
    with pytest.raises(UnreadableSecretError) as caught:
        vault(f"new:{NEW}").open(sealed, ROW)
    assert "'old'" in str(caught.value)
    assert sealed not in str(caught.value)


def test_what_was_stored_before_there_was_encryption_is_readable_and_can_be_sealed():
    ring = vault(f"a:{OLD}")
    assert ring.open("whsec_abc", ROW) == "whsec_abc"
    sealed = ring.reseal("whsec_abc", ROW)
    assert is_sealed(sealed)
    assert ring.open(sealed, ROW) == "whsec_abc"


@pytest.mark.parametrize("secret", ["whsec_abc", "sealed:a:b", "plain:x"])
def test_without_a_key_secrets_are_stored_as_they_are_and_can_be_sealed_later(secret):
    stored = vault("").seal(secret, ROW)
    assert not is_sealed(stored)
    assert vault("").open(stored, ROW) == secret
    ring = vault(f"a:{OLD}")
    assert ring.open(ring.reseal(stored, ROW), ROW) == secret


def test_the_ring_is_read_from_a_list_or_from_lines():
    for text in (f"new:{NEW},old:{OLD}", f" new:{NEW}\nold:{OLD}\n", f"new:{NEW} , old:{OLD}"):
        assert list(parse_key_ring(text).keys) == ["new", "old"]
    assert parse_key_ring(" \n").first is None


@pytest.mark.parametrize(
    "text",
    [OLD, f":{OLD}", f"a b:{OLD}", f"a:{OLD},a:{NEW}", "a:", "a:c2hvcnQ=", f"a:{OLD}x", "a:***"],
)
def test_a_ring_that_cannot_be_read_is_refused_without_being_quoted(text):
    with pytest.raises(ValueError, match="encryption keys are not valid: key") as caught:
        parse_key_ring(text)
    assert OLD not in str(caught.value)


def test_a_ring_does_not_show_its_keys():
    assert OLD not in repr(parse_key_ring(f"a:{OLD}"))
