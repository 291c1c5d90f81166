"""Bodies: what is refused at the door, and that what passes is what was sent."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triggerfish.domain.errors import InvalidInput, TooLarge
from triggerfish.domain.json_payload import parse_payload

KIB_256 = 256 * 1024


def refusal(body: bytes) -> tuple[str, str]:
    with pytest.raises(InvalidInput) as refused:
        parse_payload(body, max_bytes=KIB_256)
    (detail,) = refused.value.details
    return detail.field, detail.message


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        (b"", "payload", "empty"),
        (b" \r\n\t", "payload", "empty"),
        (b"\xff", "payload", "UTF-8"),
        (b'{"a":"\xc3\x28"}', "payload", "UTF-8"),
        (b'"\xed\xa0\x80"', "payload", "UTF-8"),
        (b"\xef\xbb\xbf{}", "payload", "byte order mark"),
        ("{}".encode("utf-16"), "payload", "UTF-8"),
        (b'{"a":NaN}', "payload", "NaN"),
        (b"[-Infinity]", "payload", "NaN or Infinity"),
        (b'{"a":1e999}', "payload", "range"),
        (b"[-1e999]", "payload", "range"),
        (b"9" * 5000, "payload", "range"),
        (b'{"a":[1,{"b":"x\\u0000y"}]}', "a[1].b", "U+0000"),
        (b'{"a\\u0000":1}', "a\\u0000", "U+0000"),
        (b'"\\u0000"', "payload", "U+0000"),
        (b'["\\u0000"]', "payload[0]", "U+0000"),
        (b'"\x00"', "payload", "control character"),
        (b'{"a":"\\ud800"}', "payload", "surrogate"),
        (b'{"\\udc00":1}', "payload", "surrogate"),
        (b'"\\ude00\\ud83d"', "payload", "surrogate"),
        (b"[" * 100 + b"]" * 100, "payload", "64 levels"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "payload", "64 levels"),
        (b"[" * 65 + b"]" * 65, "payload", "64 levels"),
        (b"[" * 100_000, "payload", "deeply"),
        (b"[" + b"1," * 10_000 + b"1]", "payload", "10000 values"),
        (b"{'a':1}", "payload", "line 1, column 2"),
        (b"[1,]", "payload", "JSON"),
        (b"1 2", "payload", "JSON"),
        (b"{", "payload", "JSON"),
        (b"a=1&b=2", "payload", "JSON"),
        (b'{"a":1,"a":1}', "payload", '"a" twice'),
        (b'{"a":{"b":[{"c":1,"d":2,"c":3}]}}', "payload", '"c" twice'),
        (b'{"\\u0061":1,"a":2}', "payload", '"a" twice'),
        (b'{"a":{"\\u0062":1,"b":2}}', "payload", '"b" twice'),
        (b'{"a":"x:y","a":"\\u003ax:"}', "payload", '"a" twice'),  # as many colons before as after
        (b'{"":1,"":2}', "payload", '"" twice'),
    ],
)
@pytest.mark.attack("JSON that cannot be stored, or is too deep")
def test_a_body_that_cannot_be_kept_is_refused_naming_the_place(body, field, said):
    named, message = refusal(body)
    assert named == field
    assert said in message


@pytest.mark.parametrize(
    "body",
    [
        b"null", b"0", b'""', b"[]", b"-0.0", b'"\\\\u0000"', b'"\\ud83d\\ude00"', b'{"":{"":[]}}',
        b"[" * 64 + b"]" * 64,
        b'"' + b"[{" * 200 + b'"',
        b"[" + b"1," * 9_998 + b"1]",
        b"18446744073709551616", b"-9223372036854775809", b'{"n":%s}' % (b"9" * 300),
        b"1e308", b"123456789012345678901234567890.5",
    ],
)  # fmt: skip
def test_an_accepted_body_means_what_json_says(body):
    assert parse_payload(body, max_bytes=KIB_256) == json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":{"b":1},"b":{"a":1}}',
        b'[{"a":1},{"a":1}]',
        b'{"a":"\\u003a:","A":1}',
        b'{"a":"a\\":1"}',
    ],
)
def test_keys_of_different_objects_and_colons_in_texts_are_no_repeats(body):
    assert parse_payload(body, max_bytes=100) == json.loads(body)


@settings(max_examples=300, deadline=None)
@given(
    pairs=st.lists(
        st.tuples(st.text("ab:\\", max_size=2), st.text("a:", max_size=3) | st.just({"a": ":"})),
        max_size=4,
    ),
    escaped=st.booleans(),
)
def test_exactly_the_objects_that_repeat_a_key_are_refused(pairs, escaped):
    """The cheap check and a plain one agree, wherever colons stand."""
    text = "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs) + "}"
    body = (text.replace("a:", "a\\u003a") if escaped else text).encode()
    repeats = len({key for key, _ in pairs}) < len(pairs)
    if repeats:
        assert "twice" in refusal(body)[1]
    else:
        assert parse_payload(body, max_bytes=KIB_256) == dict(pairs)


def test_a_body_over_the_limit_is_too_large_whatever_it_contains():
    assert parse_payload(b'"12345678"', max_bytes=10) == "12345678"
    with pytest.raises(TooLarge):
        parse_payload(b"\xff" * 11, max_bytes=10)


def test_the_root_can_have_another_name():
    with pytest.raises(InvalidInput) as refused:
        parse_payload(b"", max_bytes=10, name="body")
    assert refused.value.details[0].field == "body"


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])), inner
        )
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(value=values, ascii_only=st.booleans())
def test_every_storable_value_comes_back_as_it_was(value, ascii_only):
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert parse_payload(body, max_bytes=KIB_256) == value


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=40)
    | st.text(alphabet='[]{}",:\\u0d8e1-.NaIfty ', max_size=40).map(str.encode)
)
def test_any_bytes_are_either_refused_or_storable(body):
    try:
        value = parse_payload(body, max_bytes=KIB_256)
    except InvalidInput:
        return
    assert "\0" not in json.loads(json.dumps([value], allow_nan=False), parse_constant=pytest.fail)
    json.dumps(value, ensure_ascii=False).encode()
