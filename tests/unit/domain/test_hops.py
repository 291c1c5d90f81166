"""A chain of triggers that fire each other comes to an end."""

import pytest

from triggerfish.domain.hops import HEADER, MAX_HOPS, hop_headers, hops_of, refusal


def test_each_delivery_says_one_more_until_the_last_is_refused():
    hops = hops_of({})
    for _ in range(MAX_HOPS):
        assert refusal(hops) is None
        hops = hops_of(hop_headers(hops))
    assert refusal(hops) is not None


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "1e3", "٣", "9" * 400, "0x1"])
def test_what_is_no_number_counts_as_none(text):
    assert hops_of({HEADER: text}) == 0


@pytest.mark.parametrize("text", ["8", "9", "999"])
def test_a_number_beyond_the_limit_is_the_limit(text):
    assert hops_of({HEADER: text}) == MAX_HOPS
