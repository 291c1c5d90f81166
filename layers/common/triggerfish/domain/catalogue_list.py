"""Lists of the catalogue: what they are narrowed by, and pages by number with a total."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from triggerfish.domain.catalogue_event import CatalogueEvent, CatalogueStatus, fold
from triggerfish.domain.errors import FieldError, InvalidInput

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_PAGE = 1_000_000
MAX_LOCATIONS = 20


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Events that start in [since, until), in one of the statuses, where one of the places is.

    `places` are folded parts of locations; None leaves a side open.
    """

    statuses: tuple[CatalogueStatus, ...]
    since: datetime | None = None
    until: datetime | None = None
    places: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page, with what is known of all of them."""

    events: Sequence[CatalogueEvent]
    page: int
    limit: int
    total: int

    @property
    def total_pages(self) -> int:
        return -(-self.total // self.limit)


def event_filter(
    *,
    date_from: date | None,
    date_to: date | None,
    locations: Sequence[str] | None,
    statuses: Sequence[CatalogueStatus],
) -> EventFilter:
    """What a query asks for. Both days count whole, in UTC. Raises InvalidInput."""
    if date_from is not None and date_to is not None and date_to < date_from:
        raise _wrong("dateTo", "must not be before dateFrom")
    return EventFilter(
        statuses=tuple(statuses),
        since=None if date_from is None else _midnight(date_from),
        until=None if date_to is None else _end_of(date_to),
        places=None if locations is None else tuple(map(fold, locations)),
    )


def split_list(text: str, field: str, most: int) -> list[str]:
    """The items of a comma-separated parameter, blank ones left out. Raises InvalidInput."""
    items = [item.strip() for item in text.split(",") if item.strip()]
    if not 0 < len(items) <= most:
        raise _wrong(field, f"must name 1 to {most} values, separated by commas")
    if "\0" in text:
        raise _wrong(field, "must not contain the character U+0000")
    return items


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _end_of(day: date) -> datetime | None:
    """The midnight after it; nothing is later than the last day of the calendar."""
    return None if day == date.max else _midnight(day) + timedelta(days=1)


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput("The query is not valid.", (FieldError(field, message),))
