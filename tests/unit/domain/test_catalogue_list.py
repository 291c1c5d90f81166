"""Lists of the catalogue: days to instants, comma-separated values, numbers of pages."""

from datetime import UTC, date, datetime

import pytest

from triggerfish.domain.catalogue_event import PUBLIC_STATUSES
from triggerfish.domain.catalogue_list import EventFilter, EventPage, event_filter, split_list
from triggerfish.domain.errors import InvalidInput


def wanted(date_from: date | None = None, date_to: date | None = None) -> EventFilter:
    return event_filter(
        date_from=date_from, date_to=date_to, locations=None, statuses=PUBLIC_STATUSES
    )


def test_a_day_is_all_of_it_in_utc():
    day = date(2028, 2, 28)
    assert wanted(day, day) == EventFilter(
        PUBLIC_STATUSES,
        since=datetime(2028, 2, 28, tzinfo=UTC),
        until=datetime(2028, 2, 29, tzinfo=UTC),
    )


def test_the_ends_of_the_calendar_are_days_like_others():
    assert wanted(date.min, date.max) == EventFilter(
        PUBLIC_STATUSES, since=datetime(1, 1, 1, tzinfo=UTC), until=None
    )


def test_an_end_before_the_beginning_is_refused():
    with pytest.raises(InvalidInput) as refused:
        wanted(date(2030, 1, 2), date(2030, 1, 1))
    assert [detail.field for detail in refused.value.details] == ["dateTo"]


def test_places_are_folded_as_locations_are():
    found = event_filter(date_from=None, date_to=None, locations=["BERLIN"], statuses=())
    assert found.places == ("berlin",)


def test_a_list_is_split_at_commas_and_blanks_are_left_out():
    assert split_list(" a b,,c ,", "locations", 2) == ["a b", "c"]


@pytest.mark.parametrize("text", ["", " ", ",", " , ,", "a,b,c"])
def test_a_list_of_nothing_or_too_much_is_refused(text):
    with pytest.raises(InvalidInput):
        split_list(text, "locations", 2)


@pytest.mark.parametrize(
    ("total", "limit", "pages"), [(0, 20, 0), (1, 20, 1), (20, 20, 1), (21, 20, 2), (3, 1, 3)]
)
def test_the_last_page_may_be_short(total, limit, pages):
    assert EventPage([], 1, limit, total).total_pages == pages
