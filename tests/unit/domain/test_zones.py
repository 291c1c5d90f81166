"""Time zones that are none: the ones that were probably meant are named."""

import pytest

from triggerfish.domain.zones import load_zone, unknown_zone


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("US/Pacfic", "US/Pacific"),
        ("PST", "America/Los_Angeles"),
        ("cest", "Europe/Berlin"),
        ("UTC+2", "Etc/GMT-2"),
        ("-05:00", "Etc/GMT+5"),
    ],
)
def test_the_nearest_zone_is_suggested_and_is_one(written, meant):
    assert meant in unknown_zone(written)
    assert load_zone(meant).key == meant


@pytest.mark.parametrize("written", ["Mars/Base", "", "../../etc/passwd", "+05:30", "x" * 100_000])
def test_where_nothing_is_near_an_example_is_given(written):
    assert "Europe/Berlin" in unknown_zone(written)
    assert len(unknown_zone(written)) < 200
