"""Proofs of webhook calls, against each sender's own way of signing; what is malformed is a no."""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.signing import encode_secret
from triggerfish.domain.verification import Verification, is_verified, parse_verification

NOW = 1_800_000_000
SECRET = "a-secret-of-the-sender"
WHSEC = encode_secret(b"\x09" * 32)
BODY = '{"id": 1, "name": "sp\u00e4t"}'.encode()


def parsed(type: str, **fields: Any) -> Verification:
    secret = WHSEC if type == "standard-webhooks" else SECRET
    verification = parse_verification({"type": type, "secret": secret} | fields)
    assert verification is not None
    return verification


def hexdigest(signed: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def proof(type: str, body: bytes = BODY, at: int = NOW, secret: str = "") -> dict[str, str]:
    """What the sender of that type sends."""
    match type:
        case "header":
            return {"x-webhook-token": secret or SECRET}
        case "github":
            return {"x-hub-signature-256": "sha256=" + hexdigest(body, secret or SECRET)}
        case "stripe":
            digest = hexdigest(b"%d." % at + body, secret or SECRET)
            return {"stripe-signature": f"t={at},v0=ignored,v1={digest}"}
    signature = standardwebhooks.Webhook(secret or WHSEC).sign(
        "msg_1", datetime.fromtimestamp(at, UTC), body.decode()
    )
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": signature,
    }


TYPES = ["header", "standard-webhooks", "github", "stripe"]
SIGNED = TYPES[1:]
TIMED = ["standard-webhooks", "stripe"]


@pytest.mark.parametrize("type", TYPES)
def test_what_the_sender_sends_is_verified(type):
    assert is_verified(parsed(type), proof(type), BODY, NOW)


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.attack("forged, replayed and mangled webhook calls")
def test_another_secret_is_not(type):
    other = encode_secret(b"\x0a" * 32) if type == "standard-webhooks" else "another-secret-16"
    assert not is_verified(parsed(type), proof(type, secret=other), BODY, NOW)


@pytest.mark.parametrize("type", SIGNED)
@pytest.mark.attack("forged, replayed and mangled webhook calls")
def test_a_signature_is_over_the_exact_bytes(type):
    for body in (BODY + b"\n", b" " + BODY, BODY[:-1], b""):
        assert not is_verified(parsed(type), proof(type), body, NOW)


@pytest.mark.parametrize("type", TIMED)
@pytest.mark.parametrize("seconds", [60, 60.0])
@pytest.mark.parametrize(
    ("late_by", "accepted"), [(60, True), (-60, True), (61, False), (-61, False)]
)
def test_a_signature_is_good_within_the_replay_window(type, seconds, late_by, accepted):
    check = parsed(type, tolerance_seconds=seconds)
    assert is_verified(check, proof(type), BODY, NOW + late_by) is accepted


@pytest.mark.parametrize("type", TIMED)
@pytest.mark.attack("forged, replayed and mangled webhook calls")
def test_the_time_cannot_be_moved_without_the_secret(type):
    headers = proof(type, at=NOW - 900)
    moved = {name: value.replace(str(NOW - 900), str(NOW)) for name, value in headers.items()}
    assert not is_verified(parsed(type), moved, BODY, NOW)


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.attack("forged, replayed and mangled webhook calls")
def test_a_missing_or_mangled_proof_is_a_plain_no(type):
    good = proof(type)
    for name in good:
        for wrong in ("", "x", good[name][:-1], good[name] + "x", "\udcff", "t=,v1=", "=,=,"):
            assert not is_verified(parsed(type), good | {name: wrong}, BODY, NOW), (name, wrong)
    assert not is_verified(parsed(type), {}, BODY, NOW)


@given(
    st.sampled_from(TYPES),
    st.dictionaries(
        st.sampled_from(
            [
                "x-webhook-token",
                "webhook-id",
                "webhook-timestamp",
                "webhook-signature",
                "x-hub-signature-256",
                "stripe-signature",
            ]
        ),
        st.text(max_size=80),
    ),
    st.binary(max_size=50),
)
def test_no_invented_headers_verify_or_fail_otherwise(type, headers, body):
    assert not is_verified(parsed(type), headers, body, NOW)


def test_one_of_several_stripe_signatures_is_enough():
    header = proof("stripe")["stripe-signature"]
    rolled = header.replace("v1=", f"v1={'0' * 64},v1=")
    assert is_verified(parsed("stripe"), {"stripe-signature": rolled}, BODY, NOW)
    twice = {"stripe-signature": f"t={NOW},{header}"}
    assert not is_verified(parsed("stripe"), twice, BODY, NOW)


def test_the_header_is_named_in_any_case():
    check = parsed("header", header="X-Shop-Token")
    assert is_verified(check, {"x-shop-token": SECRET}, BODY, NOW)
    assert not is_verified(check, {"x-webhook-token": SECRET}, BODY, NOW)


@pytest.mark.parametrize("type", TYPES)
def test_it_is_shown_without_its_secret_and_rebuilt_with_it(type):
    check = parsed(type)
    assert "secret" not in check.to_json()
    assert check.secret not in repr(check)
    assert Verification.from_json(check.to_json(), check.secret) == check
    assert parse_verification(check.to_body()) == check


WRONG: list[tuple[Any, str]] = [
    ("github", "verification"),
    ([], "verification"),
    ({}, "verification.type"),
    ({"type": "basic", "secret": SECRET}, "verification.type"),
    ({"type": ["github"], "secret": SECRET}, "verification.type"),
    ({"type": "github"}, "verification.secret"),
    ({"type": "github", "secret": "too-short"}, "verification.secret"),
    ({"type": "github", "secret": "x" * 257}, "verification.secret"),
    ({"type": "github", "secret": "with\nnewline-in-the-text"}, "verification.secret"),
    ({"type": "github", "secret": " starts-with-a-space"}, "verification.secret"),
    ({"type": "github", "secret": "\u00e4" * 20}, "verification.secret"),
    ({"type": "github", "secret": 7}, "verification.secret"),
    ({"type": "github", "secret": SECRET, "header": "x-a"}, "verification.header"),
    ({"type": "github", "secret": SECRET, "tolerance_seconds": 5}, "verification.tolerance_seconds"),
    ({"type": "standard-webhooks", "secret": SECRET}, "verification.secret"),
    ({"type": "header", "secret": SECRET, "header": "a b"}, "verification.header"),
    ({"type": "header", "secret": SECRET, "header": ""}, "verification.header"),
    ({"type": "header", "secret": SECRET, "header": None}, "verification.header"),
    ({"type": "header", "secret": SECRET, "header": "Host"}, "verification.header"),
    ({"type": "stripe", "secret": SECRET, "tolerance_seconds": 0}, "verification.tolerance_seconds"),
    ({"type": "stripe", "secret": SECRET, "tolerance_seconds": 3601}, "verification.tolerance_seconds"),
    ({"type": "stripe", "secret": SECRET, "tolerance_seconds": True}, "verification.tolerance_seconds"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "field"), WRONG)
def test_a_wrong_verification_names_its_field_and_never_its_secret(raw, field):
    with pytest.raises(InvalidInput) as caught:
        parse_verification(raw)
    assert field in [detail.field for detail in caught.value.details]
    assert SECRET not in str(caught.value.details)
