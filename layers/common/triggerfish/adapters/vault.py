"""Encrypts secrets for storage: AES-256-GCM under a ring of keys, each ciphertext bound to its row.

Stored as `sealed:<key id>:<base64 of nonce and ciphertext>`. The context (`signing_secret:<id>`) is
authenticated with it, so a ciphertext that is moved to another row or column does not open.
"""

import base64
import binascii
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from triggerfish.domain.key_ring import KeyRing

NONCE_BYTES = 12
_SEALED, _PLAIN = "sealed:", "plain:"


class UnreadableSecretError(Exception):
    """A stored secret that no key of the ring opens: a key is missing, or the row was tampered."""


def is_sealed(stored: str) -> bool:
    """Whether a stored secret is encrypted, under whichever key."""
    return stored.startswith(_SEALED)


class Vault:
    """Seals and opens texts. Without any key it stores them as they are, marked `plain:`."""

    def __init__(self, ring: KeyRing, nonce: Callable[[int], bytes]) -> None:
        self._ciphers = {id: AESGCM(key) for id, key in ring.keys.items()}
        self._first = ring.first
        self._nonce = nonce

    def seal(self, text: str, context: str) -> str:
        """The form to store. `context` names the secret's kind and its row."""
        if self._first is None:
            return _PLAIN + text
        nonce = self._nonce(NONCE_BYTES)
        sealed = self._ciphers[self._first].encrypt(nonce, text.encode(), context.encode())
        return f"{_SEALED}{self._first}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, stored: str, context: str) -> str:
        """What `seal` was given. What was stored before there was encryption opens as it is.

        Raises UnreadableSecretError, which names the key that is missing but nothing secret.
        """
        if stored.startswith(_PLAIN):
            return stored.removeprefix(_PLAIN)
        if not is_sealed(stored):
            return stored
        id, _, encoded = stored.removeprefix(_SEALED).partition(":")
        cipher = self._ciphers.get(id)
        if cipher is None:
            raise UnreadableSecretError(f"TRIGGERFISH_ENCRYPTION_KEYS has no key {id!r}")
        try:
            raw = base64.b64decode(encoded, validate=True)
            opened = cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode())
        except (binascii.Error, ValueError, InvalidTag) as error:
            raise UnreadableSecretError(f"{context} was not sealed by key {id!r}") from error
        return opened.decode()

    def reseal(self, stored: str, context: str) -> str:
        """The same secret under the first key; the very text if it is there already."""
        if self._first is None or stored.startswith(f"{_SEALED}{self._first}:"):
            return stored
        return self.seal(self.open(stored, context), context)
