"""The operator's ring of encryption keys: the first one encrypts, every one decrypts."""

import base64
import binascii
import re
from dataclasses import dataclass, field

KEY_BYTES = 32  # AES-256
_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by id, in the order of the setting; an empty ring encrypts nothing."""

    keys: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def first(self) -> str | None:
        return next(iter(self.keys), None)


def parse_key_ring(text: str) -> KeyRing:
    """Read `new:<base64 of 32 bytes>,old:<base64>` (commas or lines; white space is ignored).

    Raises ValueError, since it is no caller's fault, that names the place and never quotes it.
    """
    keys: dict[str, bytes] = {}
    for number, entry in enumerate(re.split(r"[,\s]+", text.strip()), 1):
        if not entry:
            continue
        id, _, encoded = entry.partition(":")
        key = _decode(encoded)
        if not _ID.fullmatch(id) or id in keys or len(key) != KEY_BYTES:
            message = f"key {number} must be a new id, a colon, and the base64 of {KEY_BYTES} bytes"
            raise ValueError(f"The encryption keys are not valid: {message}.")
        keys[id] = key
    return KeyRing(keys)


def _decode(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return b""
