"""Endpoints as customers write them: what is accepted, what is refused, and how it is named."""

import contextlib
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.endpoints import URL, endpoint, wrong_fields
from triggerfish.domain.endpoint import Endpoint, parse_endpoint
from triggerfish.domain.endpoint_limits import Limits, endpoint_key, limits_of
from triggerfish.domain.errors import InvalidInput


def test_a_url_alone_is_enough():
    assert endpoint() == Endpoint(URL, (), 15.0)


def test_headers_and_timeout_are_kept():
    given_headers = {"X-Team": "ops", "Authorization": "Bearer abc", "X-Empty": ""}
    parsed = endpoint(headers=given_headers, timeout_seconds=2.5)
    assert dict(parsed.headers) == given_headers
    assert parsed.timeout_seconds == 2.5


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
