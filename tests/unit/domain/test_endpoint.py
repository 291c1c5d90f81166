"""Endpoints as customers write them: what is accepted, what is refused, and how it is named."""

import contextlib
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerfish.domain.endpoint import Endpoint, parse_endpoint
from triggerfish.domain.endpoint_limits import Limits, endpoint_key, limits_of
from triggerfish.domain.errors import InvalidInput

URL = "https://example.com/hook"


def endpoint(**changes: object) -> Endpoint:
    return parse_endpoint({"url": URL} | changes)


def wrong_fields(raw: object) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse_endpoint(raw)
    return [detail.field for detail in caught.value.details]


def test_a_url_alone_is_enough():
    assert endpoint() == Endpoint(URL, (), 15.0)


def test_headers_and_timeout_are_kept():
    given_headers = {"X-Team": "ops", "Authorization": "Bearer abc", "X-Empty": ""}
    parsed = endpoint(headers=given_headers, timeout_seconds=2.5)
    assert dict(parsed.headers) == given_headers
    assert parsed.timeout_seconds == 2.5


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("http://127.0.0.1:9000/hook?a=1&b=%20", None),
        ("https://example.com", None),
        ("https://example.com/", None),
        ("http://my_service:8080/x", None),
        ("http://localhost/x", None),
        ("http://[::1]:8080/x", None),
        ("https://example.com./x", None),
        ("https://example.com/a@b:c", None),
        ("https://example.com/ü", None),
        ("HTTPS://EXAMPLE.com:443/Path", "https://example.com:443/Path"),
        ("https://Bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("https://faß.de", "https://xn--fa-hia.de"),
        ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]/"),
        ("https://example.com?x=1", None),
    ],
)
def test_a_good_url_is_stored_normalised(url, stored):
    assert endpoint(url=url).url == (stored or url)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        42,
        True,
        ["https://example.com"],
        "example.com/hook",
        "/hook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///etc",
        "http://@/",
        "https:example.com",
        "https://user@example.com/",
        "https://user:pw@example.com/",
        "http://good.com@127.0.0.1/",
        "https://example.com/#part",
        "https://example.com/#",
        "http://127.0.0.1#@example.com/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:99999/",
        "https://example.com:/",
        "https://example.com:80x/",
        "https://example.com:٣/",
        "https://exa mple.com/",
        " https://example.com/",
        "https://example.com/\n",
        "https://exa\tmple.com/",
        "https://ex\r\nample.com/",
        "https://example.com/\x00",
        "https://example.com/\x7f",
        "https://example.com/\u2028",
        "https://example.com/\u202e",
        "https://example.com/\ud800",
        "http://example.com\\@127.0.0.1/",
        "http://a%00b.com/",
        "http://%31%32%37.0.0.1/",
        "http://127.1/",
        "http://0/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.0.0.1./",
        "http://①②⑦.⓪.⓪.①/",
        "http://ⓔxample.com/",
        "http://[::1/",
        "http://[zz]/",
        "http://[v1.x]/",
        "http://[127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://[::1]x/",
        "http://-a.com/",
        "http://a..com/",
        "http://.com/",
        "http://xn--/",
        "http://xn--a\u00fc.com/",
        "http://" + "a" * 64 + ".com/",
        "http://" + "a." * 127 + "com/",
        "https://example.com/" + "a" * 2029,
    ],
)
@pytest.mark.attack("URLs that parsers disagree about")
def test_a_bad_url_is_refused(url):
    assert wrong_fields({"url": url}) == ["endpoint.url"]


def test_a_url_of_the_full_length_is_accepted():
    url = "https://example.com/" + "a" * 2028
    assert endpoint(url=url).url == url


@pytest.mark.parametrize("raw", [None, "https://example.com", [], 7])
def test_an_endpoint_must_be_an_object(raw):
    assert wrong_fields(raw) == ["endpoint"]


def test_every_wrong_field_is_named_at_once():
    raw = {"headers": {"Host": "x", "X-Ok": "y", "X-Bad": 1}, "timeout_seconds": 0, "method": "GET"}
    assert wrong_fields(raw) == [
        "endpoint.method",
        "endpoint.url",
        "endpoint.headers.Host",
        "endpoint.headers.X-Bad",
        "endpoint.timeout_seconds",
    ]


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


@pytest.mark.parametrize("timeout", [1, 1.5, 30, 30.0])
def test_a_timeout_of_one_to_thirty_seconds_is_accepted(timeout):
    assert endpoint(timeout_seconds=timeout).timeout_seconds == timeout


@pytest.mark.parametrize(
    "timeout", [0, 0.99, 30.01, -1, 10**400, True, "15", [15], float("nan"), float("inf")]
)
def test_any_other_timeout_is_refused(timeout):
    assert wrong_fields({"url": URL, "timeout_seconds": timeout}) == ["endpoint.timeout_seconds"]


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({}, None),
        ({"max_concurrency": 1}, None),
        ({"max_concurrency": 3.0}, None),
        ({"max_concurrency": 50, "rate_per_second": 1000}, 0.001),
        ({"rate_per_second": 0.01}, 100),
        ({"rate_per_second": 2.5}, 0.4),
        ({"max_concurrency": None, "rate_per_second": None}, None),
    ],
)
def test_limits_are_kept_and_can_be_read_from_the_key(limits, seconds):
    one = endpoint(**limits)
    assert Endpoint.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert parse_endpoint(one.to_json()) == one
    interval = None if seconds is None else timedelta(seconds=seconds)
    assert limits_of(one.key) == Limits(limits.get("max_concurrency"), interval)
    assert one.key.startswith(endpoint().key)


@pytest.mark.parametrize(
    ("name", "limit"),
    [("max_concurrency", limit) for limit in (0, 51, -1, 2.5, 10**400, True, "5", [5])]
    + [
        ("rate_per_second", limit)
        for limit in (0, 0.009, 1001, -1, 10**400, True, "5", float("nan"), float("inf"))
    ],
)
def test_any_other_limit_is_refused(name, limit):
    assert wrong_fields({"url": URL, name: limit}) == [f"endpoint.{name}"]


def test_an_endpoint_survives_being_stored():
    stored = endpoint(headers={"X-A": "1"}, timeout_seconds=3)
    assert Endpoint.from_json(json.loads(json.dumps(stored.to_json()))) == stored
    assert parse_endpoint(stored.to_json()) == stored


def test_header_values_do_not_show_in_a_printed_endpoint():
    assert "s3cret" not in repr(endpoint(headers={"Authorization": "Bearer s3cret"}))


def test_the_key_names_the_receiver_whatever_the_query():
    key = endpoint_key("https://example.com/hook")
    assert len(key) == 16
    assert key == endpoint_key("https://example.com/hook?n=1")
    assert key != endpoint_key("https://example.com/other")
    assert endpoint_key("https://example.com") == endpoint_key("https://example.com/?x")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_json_breaks_the_parser(raw):
    for attempt in (
        raw,
        {"url": raw},
        {"url": URL, "headers": raw},
        {"url": URL, "timeout_seconds": raw},
        {"url": URL, "max_concurrency": raw},
        {"url": URL, "rate_per_second": raw},
    ):
        with contextlib.suppress(InvalidInput):
            parse_endpoint(attempt)


@given(st.text(alphabet="ab1.:[]@/%-_xü0٣", max_size=30))
def test_a_normalised_url_stays_as_it_is(rest):
    try:
        url = endpoint(url="http://" + rest).url
    except InvalidInput:
        return
    assert endpoint(url=url).url == url
