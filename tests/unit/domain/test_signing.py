"""Signatures by Standard Webhooks, against the specification's vector and the official library."""

import base64
import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.signing import (
    SigningSecrets,
    decode_secret,
    delivery_headers,
    encode_secret,
    parse_timestamp,
    sign,
    verify,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = encode_secret(b"\x07" * 32)
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SIGNED_AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def headers(**changes: str) -> dict[str, str]:
    signed = delivery_headers(MESSAGE_ID, SIGNED_AT, BODY, SECRET)
    return signed | {name.replace("_", "-"): value for name, value in changes.items()}


def test_the_signature_equals_the_published_vector():
    assert sign(SECRET, MESSAGE_ID, SIGNED_AT, BODY) == SIGNATURE


@given(st.text(max_size=200), st.integers(0, 2**31), st.binary(min_size=24, max_size=64))
def test_the_signature_equals_the_official_librarys(body, timestamp, key):
    secret = encode_secret(key)
    theirs = standardwebhooks.Webhook(secret).sign(
        MESSAGE_ID, datetime.fromtimestamp(timestamp, UTC), body
    )
    assert sign(secret, MESSAGE_ID, timestamp, body.encode()) == theirs


def test_the_official_verifier_accepts_a_thousand_random_bodies():
    random, now = Random(7), int(datetime.now(UTC).timestamp())
    for number in range(1_000):
        body = json.dumps({"n": random.random(), "text": random.randbytes(99).decode("latin-1")})
        secret = encode_secret(random.randbytes(random.randint(24, 64)))
        sent = delivery_headers(f"event-{number}", now, body.encode(), secret, OTHER_SECRET)
        official = standardwebhooks.Webhook(secret)
        assert official.verify(body.encode(), sent) == json.loads(body)
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            official.verify(body.encode() + b" ", sent)


def test_the_official_verifier_accepts_a_delivery():
    now = int(datetime.now(UTC).timestamp())
    sent = delivery_headers(MESSAGE_ID, now, BODY, SECRET)
    assert standardwebhooks.Webhook(SECRET).verify(BODY, sent) == {"test": 2432232314}


def test_a_delivery_has_the_three_headers_under_the_specifications_names():
    assert delivery_headers(MESSAGE_ID, SIGNED_AT, BODY, SECRET) == {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": str(SIGNED_AT),
        "webhook-signature": SIGNATURE,
    }


def test_while_a_secret_is_rotated_out_both_verify():
    sent = delivery_headers(MESSAGE_ID, SIGNED_AT, BODY, OTHER_SECRET, SECRET)
    assert verify(SECRET, sent, BODY, SIGNED_AT)
    assert verify(OTHER_SECRET, sent, BODY, SIGNED_AT)


def test_a_replaced_secret_signs_until_its_end_and_not_at_it():
    end = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
    secrets = SigningSecrets(SECRET, OTHER_SECRET, end)
    assert secrets.at(end - timedelta(microseconds=1)) == (SECRET, OTHER_SECRET)
    assert secrets.at(end) == (SECRET,)
    assert SigningSecrets(SECRET).at(end) == (SECRET,)
    assert SigningSecrets(SECRET, OTHER_SECRET).at(end) == (SECRET,)  # replaced, nobody knows when
    assert SECRET not in repr(secrets)


def test_header_names_are_read_in_any_case():
    assert verify(
        SECRET, {name.title(): value for name, value in headers().items()}, BODY, SIGNED_AT
    )


@pytest.mark.parametrize(
    ("late_by", "accepted"), [(300, True), (-300, True), (301, False), (-301, False)]
)
def test_a_signature_is_good_for_five_minutes_either_way(late_by, accepted):
    assert verify(SECRET, headers(), BODY, SIGNED_AT + late_by) is accepted


def test_another_body_id_time_or_secret_does_not_verify():
    assert not verify(SECRET, headers(), BODY + b" ", SIGNED_AT)
    assert not verify(SECRET, headers(webhook_id="msg_other"), BODY, SIGNED_AT)
    assert not verify(SECRET, headers(webhook_timestamp=str(SIGNED_AT + 1)), BODY, SIGNED_AT)
    assert not verify(OTHER_SECRET, headers(), BODY, SIGNED_AT)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook_signature": ""},
        {"webhook_signature": "v1"},
        {"webhook_signature": "v1,***"},
        {"webhook_signature": "v1a," + SIGNATURE[3:]},
        {"webhook_signature": "\udcff"},
        {"webhook_id": "\udcff"},
        {"webhook_timestamp": ""},
        {"webhook_timestamp": "-1"},
        {"webhook_timestamp": "1e9"},
        {"webhook_timestamp": "9" * 5000},
    ],
)
def test_malformed_headers_are_a_plain_no(changes):
    assert not verify(SECRET, headers(**changes), BODY, SIGNED_AT)


def test_missing_headers_are_a_plain_no():
    assert not verify(SECRET, {}, BODY, SIGNED_AT)
    for missing in headers():
        others = {name: value for name, value in headers().items() if name != missing}
        assert not verify(SECRET, others, BODY, SIGNED_AT)


def test_a_timestamp_has_twelve_digits_at_most():
    assert parse_timestamp("9" * 12) == 999_999_999_999
    assert parse_timestamp("9" * 13) is None


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_survives_being_written_and_read(key):
    assert decode_secret(encode_secret(key)) == key


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        SECRET.removeprefix("whsec_"),
        "whsec_not-base64!",
        SECRET[:20] + "!" + SECRET[20:],
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        "whsec_ü",
    ],
)
def test_a_bad_secret_is_refused_without_being_quoted(secret):
    with pytest.raises(InvalidInput) as caught:
        decode_secret(secret)
    assert caught.value.details[0].field == "secret"
    assert caught.value.details[0].message.startswith("must be whsec_ followed by the base64 of")
    assert caught.value.details[0].message in caught.value.message
    assert not secret.removeprefix("whsec_") or secret not in str(caught.value)
