"""The query strings of the catalogue's lists, as models: wrong values are refused by name."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from triggerfish.domain.catalogue_event import PUBLIC_STATUSES, CatalogueStatus
from triggerfish.domain.catalogue_list import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_LOCATIONS,
    MAX_PAGE,
    EventFilter,
    event_filter,
    split_list,
)
from triggerfish.domain.errors import FieldError, InvalidInput

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _day(value: Any) -> Any:
    """Pydantic takes a number for Unix time, and a midnight for a day."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a day as YYYY-MM-DD")
    return value


Day = Annotated[date, BeforeValidator(_day)]


class PublicEventQuery(BaseModel):
    """GET /public/events; both days are inclusive."""

    model_config = ConfigDict(extra="forbid")

    date_from: Annotated[
        Day | None, Field(alias="dateFrom", description="Starts on this day (UTC) or later.")
    ] = None
    date_to: Annotated[
        Day | None,
        Field(alias="dateTo", description="Starts on this day or earlier; not before `dateFrom`."),
    ] = None
    locations: Annotated[
        str | None,
        Field(
            max_length=4000,
            description="Parts of locations, comma-separated, in any case.",
            json_schema_extra={"format": "locations"},
        ),
    ] = None
    page: Annotated[int, Field(ge=1, le=MAX_PAGE, description="From 1.")] = 1
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Events a page.")] = DEFAULT_LIMIT

    def wanted(self) -> EventFilter:
        """Raises InvalidInput for what is wrong with several values taken together."""
        locations = self.locations
        return event_filter(
            date_from=self.date_from,
            date_to=self.date_to,
            locations=locations
            if locations is None
            else split_list(locations, "locations", MAX_LOCATIONS),
            statuses=self.statuses(),
        )

    def statuses(self) -> tuple[CatalogueStatus, ...]:
        return PUBLIC_STATUSES


class EventQuery(PublicEventQuery):
    """GET /events"""

    status: Annotated[
        str | None,
        Field(
            max_length=100,
            description="DRAFT, PUBLISHED, CANCELLED, comma-separated.",
            json_schema_extra={"format": "catalogue-statuses"},
        ),
    ] = None

    def statuses(self) -> tuple[CatalogueStatus, ...]:
        if self.status is None:
            return tuple(CatalogueStatus)
        named = split_list(self.status, "status", len(CatalogueStatus))
        if set(named) - set(CatalogueStatus):
            wrong = FieldError("status", f"must be of {', '.join(CatalogueStatus)}")
            raise InvalidInput("The query is not valid.", (wrong,))
        return tuple(map(CatalogueStatus, named))
