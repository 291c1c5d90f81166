"""Headers of endpoints: which are the customer's to set, and how they are sent."""

import pytest

from tests.unit.domain.endpoints import URL, endpoint, wrong_fields


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "Content-Type",
        "CONTENT-ENCODING",
        "Transfer-Encoding",
        "Connection",
        "TE",
        "Upgrade",
        "Proxy-Authorization",
        "User-Agent",
        "Webhook-Id",
        "webhook-signature",
        "X-Amz-Target",
        "X-Goog-Signature",
        "X-Azure-Ref",
        "Metadata",
        "Metadata-Flavor",
        "X-aws-ec2-metadata-token",
        "X-aws-ec2-metadata-token-ttl-seconds",
        "X-Identity-Header",
        "Expect",
        "",
        "X Team",
        "X:Team",
        "X-Team\r\nX-Evil",
        "X-Tëam",
        "x" * 129,
    ],
)
@pytest.mark.attack("header injection")
def test_a_header_that_is_not_the_customers_to_set_is_refused(name):
    assert len(wrong_fields({"url": URL, "headers": {name: "x"}})) == 1


@pytest.mark.parametrize(
    "value",
    ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "\x7f", "ü", "€", "a" * 4097, 1, None, True, ["a"]],
)
@pytest.mark.attack("header injection")
def test_a_header_value_that_could_not_be_sent_as_it_is_is_refused(value):
    assert wrong_fields({"url": URL, "headers": {"X-A": value}}) == ["endpoint.headers.X-A"]


def test_the_same_header_twice_in_another_case_is_refused():
    assert wrong_fields({"url": URL, "headers": {"X-A": "1", "x-a": "2"}}) == [
        "endpoint.headers.x-a"
    ]


def test_headers_are_limited_in_number():
    assert len(endpoint(headers={f"X-{n}": "v" for n in range(20)}).headers) == 20
    too_many = {f"X-{n}": "v" for n in range(21)}
    assert wrong_fields({"url": URL, "headers": too_many}) == ["endpoint.headers"]


def test_a_hostile_header_name_is_named_in_printable_characters():
    (field,) = wrong_fields({"url": URL, "headers": {"a\r\n\x00\ud800" + "b" * 500: "x"}})
    assert field.isprintable()
    assert len(field) < 100


def test_header_values_do_not_show_in_a_printed_endpoint():
    assert "s3cret" not in repr(endpoint(headers={"Authorization": "Bearer s3cret"}))
