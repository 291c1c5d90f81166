"""How calls of a webhook URL prove where they come from: a token in a header, or a signature.

The forms are those of the senders: Standard Webhooks 1.0.0 (`webhook-signature`), GitHub
(`X-Hub-Signature-256`, over the body alone, so without a replay window) and Stripe
(`Stripe-Signature: t=…,v1=…`). All comparisons take the same time wherever the texts differ.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from triggerfish.domain import signing
from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.field_names import REQUIRED, unknown_fields
from triggerfish.domain.whole_number import whole_number

DEFAULT_HEADER = "x-webhook-token"
DEFAULT_TOLERANCE_SECONDS = 300
MAX_TOLERANCE_SECONDS = 3600
MIN_SECRET_CHARACTERS, MAX_SECRET_CHARACTERS = 16, 256
MAX_HEADER_CHARACTERS = 128
_TOKEN = re.compile(rf"[!#$%&'*+\-.^_`|~0-9A-Za-z]{{1,{MAX_HEADER_CHARACTERS}}}")
# What a proxy or the server itself sets, or changes on the way.
NOT_A_TOKEN = frozenset(("host", "content-length", "content-type", "connection", "date", "via"))


class VerificationType(StrEnum):
    HEADER = "header"
    STANDARD_WEBHOOKS = "standard-webhooks"
    GITHUB = "github"
    STRIPE = "stripe"


FIELDS = {
    VerificationType.HEADER: {"type", "secret", "header"},
    VerificationType.STANDARD_WEBHOOKS: {"type", "secret", "tolerance_seconds"},
    VerificationType.GITHUB: {"type", "secret"},
    VerificationType.STRIPE: {"type", "secret", "tolerance_seconds"},
}


@dataclass(frozen=True, slots=True)
class Verification:
    """What every call must prove; the secret is shown to nobody."""

    type: VerificationType
    secret: str = field(repr=False)
    header: str = DEFAULT_HEADER
    tolerance_seconds: int = DEFAULT_TOLERANCE_SECONDS

    def to_json(self) -> dict[str, Any]:
        """As it is shown: without the secret, with what its type has."""
        shown: dict[str, Any] = {"type": self.type.value}
        if "header" in FIELDS[self.type]:
            shown["header"] = self.header
        if "tolerance_seconds" in FIELDS[self.type]:
            shown["tolerance_seconds"] = self.tolerance_seconds
        return shown

    def to_body(self) -> dict[str, Any]:
        """What `parse_verification` reads."""
        return self.to_json() | {"secret": self.secret}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], secret: str) -> "Verification":
        """Rebuild what `to_json` wrote; it was checked then."""
        return cls(**{**stored, "type": VerificationType(stored["type"]), "secret": secret})


def parse_verification(raw: object) -> Verification | None:
    """Read `{"type", "secret", …}`; None stays None. Raises InvalidInput naming every field."""
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise _invalid([_wrong("", "must be an object with a type and a secret")])
    kind = raw.get("type")
    if not isinstance(kind, str) or kind not in set(VerificationType):
        missing = [_wrong("secret", REQUIRED)] if raw.get("secret") is None else []
        one_of = f"one of {', '.join(VerificationType)}"
        said = f"is required: {one_of}" if kind is None else f"must be {one_of}"
        raise _invalid([_wrong("type", said), *missing])
    type = VerificationType(kind)
    of = f"a verification of type {type}"
    errors = unknown_fields(raw, FIELDS[type], of=of, within="verification")
    secret = _secret(type, raw.get("secret"), errors)
    header = raw.get("header", DEFAULT_HEADER)
    if not isinstance(header, str) or not _TOKEN.fullmatch(header):
        errors.append(_wrong("header", "must be the name of a header"))
    elif header.lower() in NOT_A_TOKEN:
        errors.append(_wrong("header", "is a header that proves nothing"))
    given = raw.get("tolerance_seconds", DEFAULT_TOLERANCE_SECONDS)
    tolerance = whole_number(given, 1, MAX_TOLERANCE_SECONDS)
    if tolerance is None:
        message = f"must be a whole number of seconds, 1 to {MAX_TOLERANCE_SECONDS}"
        errors.append(_wrong("tolerance_seconds", message))
    if errors or tolerance is None:
        raise _invalid(errors)
    return Verification(type, secret, str(header).lower(), tolerance)


def is_verified(
    verification: Verification, headers: Mapping[str, str], body: bytes, now: int
) -> bool:
    """Whether a call proves itself. `headers` by lower-case name, `now` in Unix seconds.

    What is missing or malformed is a plain no, never an exception.
    """
    return _CHECKS[verification.type](verification, headers, body, now)


def _header(check: Verification, headers: Mapping[str, str], body: bytes, now: int) -> bool:
    return _same(headers.get(check.header, ""), check.secret)


def _standard(check: Verification, headers: Mapping[str, str], body: bytes, now: int) -> bool:
    return signing.verify(check.secret, headers, body, now, check.tolerance_seconds)


def _github(check: Verification, headers: Mapping[str, str], body: bytes, now: int) -> bool:
    expected = "sha256=" + hmac.new(check.secret.encode(), body, hashlib.sha256).hexdigest()
    return _same(headers.get("x-hub-signature-256", ""), expected)


def _stripe(check: Verification, headers: Mapping[str, str], body: bytes, now: int) -> bool:
    """`t=<Unix seconds>,v1=<hex>,v1=<hex>` over `{t}.{body}`; one v1 that fits is enough."""
    parts = [part.strip().partition("=") for part in headers.get("stripe-signature", "").split(",")]
    times = [value for name, _, value in parts if name == "t"]
    time = signing.parse_timestamp(times[0]) if len(times) == 1 else None
    if time is None or abs(now - time) > check.tolerance_seconds:
        return False
    signed = times[0].encode() + b"." + body
    expected = hmac.new(check.secret.encode(), signed, hashlib.sha256).hexdigest()
    return any([_same(value, expected) for name, _, value in parts if name == "v1"])


_CHECKS: dict[VerificationType, Callable[[Verification, Mapping[str, str], bytes, int], bool]] = {
    VerificationType.HEADER: _header,
    VerificationType.STANDARD_WEBHOOKS: _standard,
    VerificationType.GITHUB: _github,
    VerificationType.STRIPE: _stripe,
}


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _secret(type: VerificationType, raw: object, errors: list[FieldError]) -> str:
    if raw is None:
        errors.append(_wrong("secret", REQUIRED))
    elif type is VerificationType.STANDARD_WEBHOOKS:
        try:
            signing.decode_secret(raw if isinstance(raw, str) else "")
        except InvalidInput as invalid:
            errors.append(_wrong("secret", invalid.details[0].message))
    elif (
        not isinstance(raw, str)
        or not MIN_SECRET_CHARACTERS <= len(raw) <= MAX_SECRET_CHARACTERS
        or not (raw.isascii() and raw.isprintable())
        or raw != raw.strip()
    ):
        between = f"{MIN_SECRET_CHARACTERS} to {MAX_SECRET_CHARACTERS}"
        errors.append(_wrong("secret", f"must be a text of {between} visible ASCII characters"))
    return str(raw)


def _wrong(name: str, message: str) -> FieldError:
    return FieldError(f"verification.{name}" if name else "verification", message)


def _invalid(errors: list[FieldError]) -> InvalidInput:
    return InvalidInput("The verification is not valid.", errors)
