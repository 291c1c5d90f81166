"""Unknown fields: the one that was probably meant is named, and the work is bounded."""

import time

import pytest

from triggerfish.domain.field_names import MAX_UNKNOWN_NAMED, nearest, unknown_fields

KNOWN = ["max_fires", "timezone", "start_at", "every", "cron", "endpoint.url", "endpoint.headers"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("maxFires", "max_fires"),
        ("max-fires", "max_fires"),
        ("MAX_FIRES", "max_fires"),
        ("max_fire", "max_fires"),
        ("startAt", "start_at"),
        ("tz", "timezone"),
        ("timeZone", "timezone"),
        ("time_zone", "timezone"),
        ("cronExpression", "cron"),
        ("url", "endpoint.url"),
        ("header", "endpoint.headers"),
        ("colour", None),
        ("", None),
        ("é" * 1000, None),
    ],
)
def test_the_field_that_was_probably_meant_is_found(written, meant):
    assert nearest(written, KNOWN) == meant


def test_an_unknown_field_is_named_with_what_was_meant_or_with_all_there_are():
    colour, fires = unknown_fields({"maxFires": 1, "colour": 1}, KNOWN, of="a thing", within="s")
    assert (fires.field, "max_fires" in fires.message) == ("s.maxFires", True)
    assert (colour.field, "cron, every, max_fires" in colour.message) == ("s.colour", True)


def test_a_place_further_inside_is_a_guess_and_no_field():
    (error,) = unknown_fields(["endpoint.url"], KNOWN, of="a thing")
    assert error.field == "endpoint.url"


def test_names_are_shown_without_what_could_do_harm():
    (error,) = unknown_fields(["a\r\nb\x1b[0m" + "x" * 1000], KNOWN, of="a thing")
    assert error.field.isprintable()
    assert len(error.field) <= 64


def test_many_long_unknown_names_cost_little():
    known = [f"{letter}{number}" for letter in "abcdefgh" for number in range(5)]
    names = [f"{n:05}" * 10 for n in range(10_000)] + ["x" * 500_000]
    began = time.process_time()
    assert len(unknown_fields(names, known, of="a thing")) == MAX_UNKNOWN_NAMED
    assert time.process_time() - began < 0.5
