"""The egress policy: which addresses a delivery may reach, in three tiers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerfish.domain.egress import EgressPolicy, parse_egress_allow
from triggerfish.domain.errors import InvalidInput

EVERYTHING_ALLOWED = parse_egress_allow("0.0.0.0/0,::/0")
NOTHING_ALLOWED = EgressPolicy()


def words(text: str) -> list[str]:
    return text.split()


NEVER = words("""
    0.0.0.0 0.1.2.3 169.254.169.254 169.254.170.2 168.63.129.16 100.100.100.200 192.0.0.192
    224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: fe80::1 ff02::1 fd00:ec2::254 fd20:ce::254
    ::ffff:169.254.169.254 ::ffff:0.0.0.0 64:ff9b::a9fe:a9fe 64:ff9b:1::a9fe:a9fe
    2002:a9fe:a9fe:: ::169.254.169.254 2001:0:1:1:0:0:5601:5601 2001:0:7f00:1::1
    ::1%lo fe80::1%eth0 2606:4700::1111%eth0
""")

PRIVATE = words("""
    10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.254 172.16.0.1 172.31.255.255 192.168.1.1
    192.0.0.1 192.0.0.9 192.0.2.1 192.88.99.1 198.18.0.1 198.51.100.1 203.0.113.1
    ::1 fc00::1 fd12:3456::1 fec0::1 100::1 3fff::1 5f00::1 2001:db8::1 2001:2::1
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 ::7f00:1
    64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::7f00:1 64:ff9b:1::808:808
    2002:7f00:1:: 2002:808:808:: 2001:0:7f00:1::f7f7:f7f7 2001:0:808:808:0:0:f7f7:f7f7 ::8.8.8.8
""")

PUBLIC = words("""
    1.1.1.1 8.8.8.8 93.184.216.34 172.32.0.1 100.128.0.1 192.0.1.1 223.255.255.255
    2606:4700::1111 2a00:1450:4001::1 ::ffff:8.8.8.8 64:ff9b::808:808
""")


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.attack("inside addresses: metadata services, whatever is allowed")
def test_what_must_never_be_reached_stays_closed_even_if_everything_is_allowed(address):
    assert not EVERYTHING_ALLOWED.permits(address, 80)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_open_only_if_an_operator_lists_it(address):
    assert not NOTHING_ALLOWED.permits(address, 80)
    assert EVERYTHING_ALLOWED.permits(address, 80)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_open(address):
    assert NOTHING_ALLOWED.permits(address, 443)


def test_only_the_listed_networks_are_opened():
    policy = parse_egress_allow("127.0.0.0/8, ::1/128,10.1.2.3")
    opened = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.1.2.3"]
    closed = ["10.1.2.4", "192.168.0.1", "::2", "64:ff9b::7f00:1", "::127.0.0.1", "2002:7f00:1::"]
    assert all(policy.permits(address, 8080) for address in opened)
    assert not any(policy.permits(address, 8080) for address in closed)


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "127.0.0.1:80", "[::1]"],
)
def test_what_is_not_a_plain_address_is_refused(text):
    assert not EVERYTHING_ALLOWED.permits(text, 80)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_an_impossible_port_is_refused(port):
    assert not NOTHING_ALLOWED.permits("1.1.1.1", port)


@pytest.mark.parametrize("port", [2, 65535])
def test_any_port_there_is_can_be_posted_to_where_the_operator_opened_it(port):
    assert EVERYTHING_ALLOWED.permits("10.0.0.1", port)


def test_the_platforms_own_ports_stay_closed_on_an_opened_private_address_only():
    policy = parse_egress_allow("127.0.0.0/8", frozenset({5432}))
    assert policy.permits("127.0.0.1", 80)
    assert not policy.permits("127.0.0.1", 5432)
    assert policy.permits("1.1.1.1", 5432)


@pytest.mark.parametrize("port", [22, 25, 53, 110, 143, 465, 587, 993, 2049, 6000, 6667])
@pytest.mark.attack("ports of other protocols")
def test_ports_of_other_protocols_are_closed_on_public_and_on_opened_addresses(port):
    for address in ("1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "10.0.0.1", "::1"):
        assert not EVERYTHING_ALLOWED.permits(address, port)


@pytest.mark.parametrize(
    ("url", "names_the_setting"),
    [
        ("http://127.0.0.1:9000/x", True),
        ("https://[::1]/", True),
        ("http://192.168.1.7", True),
        ("http://169.254.169.254/latest", False),  # no setting opens it
        ("https://1.1.1.1:22/", False),
    ],
)
def test_a_refusal_names_the_setting_that_would_open_the_address(url, names_the_setting):
    refusal = NOTHING_ALLOWED.refusal_of_url(url)
    assert refusal is not None
    assert ("TRIGGERFISH_EGRESS_ALLOW" in refusal) == names_the_setting
    assert EVERYTHING_ALLOWED.refusal_of_url(url) == (None if names_the_setting else refusal)


@pytest.mark.parametrize("url", ["https://example.com", "http://localhost:9000", "https://1.1.1.1"])
def test_of_a_name_nothing_is_known_before_it_is_looked_up(url):
    assert NOTHING_ALLOWED.refusal_of_url(url) is None


def test_an_empty_list_opens_nothing():
    assert parse_egress_allow(" , ") == NOTHING_ALLOWED


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "nonsense", "127.0.0.0/8;::1"])
def test_a_list_that_cannot_be_read_names_the_wrong_part(text):
    with pytest.raises(InvalidInput) as caught:
        parse_egress_allow(f"127.0.0.0/8,{text}")
    assert caught.value.details[0].field == "egress_allow"
    assert text in caught.value.message


@given(st.ip_addresses(v=4))
def test_an_ipv4_mapped_address_is_judged_like_its_ipv4(address):
    for policy in (NOTHING_ALLOWED, EVERYTHING_ALLOWED):
        assert policy.permits(f"::ffff:{address}", 80) == policy.permits(str(address), 80)


@given(st.ip_addresses(v=4))
def test_no_transition_form_reaches_what_its_ipv4_may_not(address):
    high, low = divmod(int(address), 65536)
    forms = [f"64:ff9b::{address}", f"2002:{high:x}:{low:x}::1", f"::{high:x}:{low:x}"]
    for form in forms:
        assert NOTHING_ALLOWED.permits(str(address), 80) or not NOTHING_ALLOWED.permits(form, 80)
