"""URLs of endpoints: what is accepted and stored normalised, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.endpoints import endpoint, wrong_fields
from triggerfish.domain.errors import InvalidInput


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


@given(st.text(alphabet="ab1.:[]@/%-_xü0٣", max_size=30))
def test_a_normalised_url_stays_as_it_is(rest):
    try:
        url = endpoint(url="http://" + rest).url
    except InvalidInput:
        return
    assert endpoint(url=url).url == url
